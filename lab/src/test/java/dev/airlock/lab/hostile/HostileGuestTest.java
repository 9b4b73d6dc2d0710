package dev.airlock.lab.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskSpec;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.storvsp.StorvspOptions;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import dev.airlock.vmbus.EventCounts;
import dev.airlock.vmbus.host.HostLimits;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Guests that mean harm, a real host over its real socket, and another guest at work beside them.
 */
class HostileGuestTest {
    private static final long DISK_BYTES = 4 << 20;
    private static final int HOSTILE_GUESTS = 4;
    private static final long WARM_UP_EVENTS = 20_000;

    /** What may stay behind of so many connections: caches, compiled code, not one of them. */
    private static final long HEAP_GROWTH_MAX = 24 << 20;

    private static final long NATIVE_GROWTH_MAX = 96 << 20;

    @TempDir Path folder;

    private final List<String> log = new CopyOnWriteArrayList<>();

    /** The honest guest, the first to connect, is left out. */
    private final HostTally tally = new HostTally("guest1");

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
                    HostileGuests hostile = new HostileGuests(host, honest, seed)) {
                honest.start();
                hostile.run("warm-up", WARM_UP_EVENTS);
                awaitOnlyHonest(host);
                ProcessState before = ProcessState.now();

                hostile.run("hostile guests", events);
                awaitOnlyHonest(host);
                honest.finish();
                ProcessState after = ProcessState.now();

                System.out.printf(
                        "hostile guests: events=%d %s%nhost: %s%nhonest guest: verifiedIos=%d%n",
                        hostile.events(), hostile.counts(), tally, honest.ios());
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

    /** Several at once, so that none waits for another's connection to end. */
    private final class HostileGuests implements AutoCloseable {
        private final EventCounts<HostileEvent> counts = new EventCounts<>(HostileEvent.class);
        private final HonestGuest honest;
        private final List<HostileGuest> guests = new ArrayList<>();

        private HostileGuests(StorageHost host, HonestGuest honest, long seed) throws Exception {
            this.honest = honest;
            for (int i = 0; i < HOSTILE_GUESTS; i++) {
                guests.add(
                        new HostileGuest(
                                host.socket(),
                                seed + i,
                                5,
                                DISK_BYTES,
                                counts,
                                () -> tally.note(host.guests())));
            }
        }

        private void run(String what, long events) throws InterruptedException {
            List<Watch.Running> running = new ArrayList<>();
            for (HostileGuest guest : guests) {
                running.add(Watch.start("hostile-guest", () -> guest.run(events)));
            }
            for (Watch.Running each : running) {
                each.join(Watch.told(what, this::events, events));
            }
        }

        private long events() {
            honest.requireNoFailure();
            return HostileEvent.events(counts);
        }

        private EventCounts<HostileEvent> counts() {
            return counts;
        }

        @Override
        public void close() {
            guests.forEach(HostileGuest::close);
        }
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
                .limits(
                        new HostLimits(
                                16, 8, 64, 4096, new HostMemoryLimits(8, 1 << 16, 1024, 256)))
                .storage(StorvspOptions.defaults().withQueueDepth(12))
                .log(this::keep);
    }

    /** Keeps one line of each kind: a soak would fill the memory. */
    private void keep(String line) {
        if (log.size() < 10_000 || line.contains("bug") || line.contains("DEVICE_FAILED")) {
            log.add(line);
        }
    }

    private static void awaitOnlyHonest(StorageHost host) throws InterruptedException {
        Watch.until("hostile guest released", () -> host.guests().size() == 1);
    }

    /** That the events got somewhere: each kind of refusal was needed, and much was not refused. */
    private void requireDepth(HostileGuests hostile) {
        for (HostTally.Item item : HostTally.Item.values()) {
            assertThat(tally.get(item)).as("%s", item).isPositive();
        }
        EventCounts<HostileEvent> counts = hostile.counts();
        for (HostileEvent event : HostileEvent.values()) {
            assertThat(counts.get(event)).as("%s", event).isPositive();
        }
        assertThat(counts.get(HostileEvent.FRAME)).isGreaterThan(hostile.events() / 50);
        assertThat(counts.get(HostileEvent.SUCCESS)).isGreaterThan(hostile.events() / 20);
    }
}
