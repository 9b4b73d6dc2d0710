package dev.airlock.lab.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskSpec;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import dev.airlock.vmbus.EventCounts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hosts that mean harm, and the real driver with real callers as their guest; beside them, in the
 * same process, a guest of an honest host.
 */
class HostileHostTest {
    private static final int HOSTS = 3;
    private static final int WARM_UP_SESSIONS = 4;
    private static final long HEAP_GROWTH_MAX = 24 << 20;
    private static final long NATIVE_GROWTH_MAX = 96 << 20;

    @TempDir Path folder;

    private final List<Throwable> uncaught = new CopyOnWriteArrayList<>();
    private final EventCounts<HostileEvent> counts = new EventCounts<>(HostileEvent.class);
    private final VictimTally tally = new VictimTally();

    @BeforeEach
    void noteUncaught() {
        Thread.setDefaultUncaughtExceptionHandler((thread, e) -> uncaught.add(e));
    }

    @AfterEach
    void forgetUncaught() {
        Thread.setDefaultUncaughtExceptionHandler(null);
    }

    @Test
    void shouldBearAMillionEvents() throws Exception {
        attack(1_000_000);
    }

    @Test
    @Tag("soak")
    void shouldBearAHundredMillionEvents() throws Exception {
        attack(100_000_000);
    }

    private void attack(long events) throws Exception {
        long seed = Seeds.next();
        List<HostileLane> lanes = new ArrayList<>();
        try (StorageHost good = StorageHost.start(honestHost());
                HonestGuest honest = new HonestGuest(good.socket(), seed)) {
            for (int i = 0; i < HOSTS; i++) {
                Path socket = folder.resolve("hostile" + i + ".sock");
                lanes.add(new HostileLane(socket, seed + i, counts, tally));
            }
            honest.start();
            run(lanes, honest, "warm-up", Long.MAX_VALUE, WARM_UP_SESSIONS);
            ProcessState before = ProcessState.now();
            run(lanes, honest, "hostile hosts", events, Long.MAX_VALUE);
            honest.finish();
            ProcessState after = ProcessState.now();

            System.out.printf(
                    "hostile hosts: events=%d %s%nguests: %s%nhonest guest: verifiedIos=%d%n",
                    HostileEvent.events(counts), counts, tally, honest.ios());
            assertThat(uncaught).isEmpty();
            assertThat(after.held()).isEqualTo(before.held());
            assertThat(after.heapBytes() - before.heapBytes()).isLessThan(HEAP_GROWTH_MAX);
            assertThat(after.nativeBytes() - before.nativeBytes()).isLessThan(NATIVE_GROWTH_MAX);
            requireDepth();
        } finally {
            lanes.forEach(HostileLane::close);
        }
    }

    /** Guests of all hosts, until so many events in all were delivered or each had so many. */
    private void run(
            List<HostileLane> lanes,
            HonestGuest honest,
            String what,
            long eventsMax,
            long sessionsMax)
            throws InterruptedException {
        List<Watch.Running> running = new ArrayList<>();
        for (HostileLane lane : lanes) {
            running.add(
                    Watch.start(
                            "lane",
                            () -> {
                                for (long i = 0; i < sessionsMax && events() < eventsMax; i++) {
                                    lane.session();
                                }
                            }));
        }
        LongSupplier progress =
                () -> {
                    honest.requireNoFailure();
                    running.forEach(Watch.Running::requireNoFailure);
                    return events();
                };
        for (Watch.Running each : running) {
            // A lane bounds its own waits, so any end will do here.
            each.join(Watch.told(what, progress, eventsMax));
        }
    }

    private long events() {
        return HostileEvent.events(counts);
    }

    private HostOptions honestHost() throws Exception {
        return new HostOptions()
                .socket(folder.resolve("honest.sock"))
                .dropPrivileges(false)
                .disk(DiskSpec.parse("mem:64M,name=honest"));
    }

    /** That the events got somewhere: every defence was needed, and much I/O went well. */
    private void requireDepth() {
        assertThat(tally.ioSucceeded.sum()).isPositive();
        assertThat(tally.ioFailed.sum()).isPositive();
        for (VictimTally.Defence defence : VictimTally.Defence.values()) {
            if (defence.isCertain()) {
                assertThat(tally.get(defence)).as("%s", defence).isPositive();
            }
        }
        assertThat(counts.get(HostileEvent.FRAME)).isGreaterThan(events() / 400);
        assertThat(counts.get(HostileEvent.RING_WORD)).isGreaterThan(events() / 20_000);
        assertThat(counts.get(HostileEvent.SCRIBBLE)).isPositive();
    }
}
