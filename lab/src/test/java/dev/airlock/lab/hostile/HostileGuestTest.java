package dev.airlock.lab.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskSpec;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.storvsp.GuestStatistics;
import dev.airlock.storvsp.StorvspOptions;
import dev.airlock.storvsp.server.GuestStatus;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import dev.airlock.vmbus.host.HostLimits;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A guest that means harm, a real host over its real socket, and another guest at work beside it.
 */
class HostileGuestTest {
    private static final long DISK_BYTES = 4 << 20;
    private static final long WARM_UP_EVENTS = 20_000;

    /** What may stay behind of so many connections: caches, compiled code, not one of them. */
    private static final long HEAP_GROWTH_MAX = 24 << 20;

    private static final long NATIVE_GROWTH_MAX = 96 << 20;

    @TempDir Path folder;

    private final List<String> log = new CopyOnWriteArrayList<>();

    /** What each guest did, as the host last knew it before it went. */
    private final Map<String, GuestStatus> known = new ConcurrentHashMap<>();

    @Test
    void shouldHarmNobodyByAMillionEvents() throws Exception {
        attack(1_000_000);
    }

    @Test
    @Tag("soak")
    void shouldHarmNobodyByAHundredMillionEvents() throws Exception {
        attack(100_000_000);
    }

    private void attack(long events) throws Exception {
        long seed = Seeds.next();
        try (StorageHost host = StorageHost.start(options())) {
            try (HonestGuest honest = new HonestGuest(host.socket(), seed);
                    HostileGuest hostile =
                            new HostileGuest(
                                    host.socket(), seed, 5, DISK_BYTES, () -> note(host))) {
                honest.start();
                Watch.start("warm-up", () -> hostile.run(WARM_UP_EVENTS)).join(hostile::events);
                awaitOnlyHonest(host);
                ProcessState before = ProcessState.now();

                Watch.start("attack", () -> hostile.run(events)).join(hostile::events);
                awaitOnlyHonest(host);
                honest.finish();
                ProcessState after = ProcessState.now();

                report(hostile);
                assertThat(after.held()).isEqualTo(before.held());
                assertThat(after.heapBytes() - before.heapBytes()).isLessThan(HEAP_GROWTH_MAX);
                assertThat(after.nativeBytes() - before.nativeBytes())
                        .isLessThan(NATIVE_GROWTH_MAX);
                requireDepth(hostile);
            }
            Watch.until("all guests gone", () -> host.guests().isEmpty());
        }
        assertThat(log).noneMatch(line -> line.contains("bug") || line.contains("DEVICE_FAILED"));
        Map<String, Long> left = ProcessState.now().held();
        assertThat(left).noneSatisfy((what, count) -> assertThat(what).startsWith("thread guest"));
    }

    /** The honest guest connects first, so the disk that is for one guest only is its. */
    private HostOptions options() throws Exception {
        Path image = folder.resolve("image.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        return new HostOptions()
                .socket(folder.resolve("host.sock"))
                .dropPrivileges(false)
                .disk(DiskSpec.parse("mem:64M,name=honest"))
                .disk(DiskSpec.parse("mem:4M,shared,name=memory"))
                .disk(DiskSpec.parse("raw:" + image + ",shared,name=file"))
                .disk(DiskSpec.parse("mem:4M,ro,name=frozen"))
                .disk(DiskSpec.parse("mem:4M,shared,sector=4096,name=large"))
                .limits(new HostLimits(8, 8, 64, 4096, new HostMemoryLimits(8, 1 << 16, 1024, 256)))
                .storage(StorvspOptions.defaults().withQueueDepth(12))
                .log(this::keep);
    }

    /** Keeps one line of each kind: a soak would fill the memory. */
    private void keep(String line) {
        if (log.size() < 10_000 || line.contains("bug") || line.contains("DEVICE_FAILED")) {
            log.add(line);
        }
    }

    private void note(StorageHost host) {
        for (GuestStatus status : host.guests()) {
            known.put(status.name(), status);
        }
    }

    private static void awaitOnlyHonest(StorageHost host) throws InterruptedException {
        Watch.until("hostile guest released", () -> host.guests().size() == 1);
    }

    private void report(HostileGuest hostile) {
        System.out.printf(
                "hostile guest: events=%d %s%nhost refused: controlFaults=%d invalidPackets=%d invisiblePages=%d"
                        + " tooLarge=%d brokenRings=%d; ran: commands=%d resets=%d%n",
                hostile.events(),
                hostile.counts(),
                sum(GuestStatus::controlFaults),
                counted(GuestStatistics::invalidPackets),
                counted(GuestStatistics::invisiblePages),
                counted(GuestStatistics::tooLarge),
                counted(GuestStatistics::brokenRings),
                counted(s -> s.io().commands()),
                counted(GuestStatistics::resets));
    }

    /** That the events got somewhere: each kind of refusal was needed, and much was not refused. */
    private void requireDepth(HostileGuest hostile) {
        assertThat(sum(GuestStatus::controlFaults)).isPositive();
        assertThat(counted(GuestStatistics::invalidPackets)).isPositive();
        assertThat(counted(GuestStatistics::invisiblePages)).isPositive();
        assertThat(counted(GuestStatistics::tooLarge)).isPositive();
        assertThat(counted(GuestStatistics::brokenRings)).isPositive();
        assertThat(counted(GuestStatistics::resets)).isPositive();
        assertThat(hostile.counts().get(HostileEvent.SUCCESS)).isGreaterThan(hostile.events() / 20);
        assertThat(hostile.counts().get(HostileEvent.SCRIBBLE)).isPositive();
    }

    private long counted(ToLongFunction<GuestStatistics> counter) {
        return sum(status -> counter.applyAsLong(status.statistics()));
    }

    /** Over all guests but the honest one, which came first. */
    private long sum(ToLongFunction<GuestStatus> counter) {
        return known.values().stream()
                .filter(status -> !status.name().equals("guest1"))
                .mapToLong(counter)
                .sum();
    }
}
