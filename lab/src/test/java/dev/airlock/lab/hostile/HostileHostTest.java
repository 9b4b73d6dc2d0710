package dev.airlock.lab.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskSpec;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.StorvscStatistics;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import dev.airlock.vmbus.guest.GuestBusOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A host that means harm, and the real driver with real callers as its guest; beside them, in the
 * same process, a guest of an honest host.
 */
class HostileHostTest {
    private static final int WARM_UP_SESSIONS = 12;
    private static final long SESSION_NANOS = 1_500_000_000;
    private static final long HEAP_GROWTH_MAX = 24 << 20;
    private static final long NATIVE_GROWTH_MAX = 96 << 20;

    @TempDir Path folder;

    private final List<Throwable> uncaught = new CopyOnWriteArrayList<>();
    private final LongAdder succeeded = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder sessions = new LongAdder();
    private final List<StorvscStatistics> statistics = new ArrayList<>();
    private int refusedConnections;

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
        Path socket = folder.resolve("hostile.sock");
        try (StorageHost good = StorageHost.start(honestHost());
                HonestGuest honest = new HonestGuest(good.socket(), seed);
                HostileHost hostile = HostileHost.start(socket, seed)) {
            honest.start();
            Dice dice = new Dice(~seed);
            for (int i = 0; i < WARM_UP_SESSIONS; i++) {
                session(socket, hostile, dice);
            }
            ProcessState before = ProcessState.now();
            while (hostile.events() < events) {
                session(socket, hostile, dice);
            }
            honest.finish();
            ProcessState after = ProcessState.now();

            report(hostile);
            assertThat(uncaught).isEmpty();
            assertThat(after.held()).isEqualTo(before.held());
            assertThat(after.heapBytes() - before.heapBytes()).isLessThan(HEAP_GROWTH_MAX);
            assertThat(after.nativeBytes() - before.nativeBytes()).isLessThan(NATIVE_GROWTH_MAX);
            requireDepth(hostile);
        }
    }

    /** One connection, with bounded waits for all of it. */
    private void session(Path socket, HostileHost hostile, Dice dice) throws Exception {
        long part = dice.bits();
        long connection = hostile.counts().get(HostileEvent.SESSION) + 1;
        Watch.start("victim", () -> live(socket, new Dice(part)))
                .join(() -> hostile.events() + succeeded.sum() + failed.sum());
        sessions.increment();
        Watch.until(
                "host has let its guest go",
                () -> hostile.sessionsEnded() >= connection || hostile.failure() != null);
        assertThat(hostile.failure()).isNull();
    }

    private void live(Path socket, Dice dice) throws InterruptedException {
        StorageGuest guest;
        try {
            guest = StorageGuest.connect(socket, guestOptions(dice));
        } catch (IOException refused) {
            refusedConnections++;
            return;
        }
        if (guest.disks().isEmpty()) {
            refusedConnections++;
            guest.close();
            return;
        }
        Victim victim = new Victim(guest, succeeded, failed);
        victim.work(SESSION_NANOS, dice);
        statistics.add(victim.end());
    }

    /** Small, so that limits are met; time-outs are short, since many are run into. */
    private static GuestOptions guestOptions(Dice dice) {
        GuestOptions standard = GuestOptions.standard(true);
        return new GuestOptions(
                true,
                3 << 20,
                4 << 20,
                SwiotlbOptions.DEFAULTS
                        .withPoolBytes(dice.oneIn(2) ? 1 << 20 : 2 << 20)
                        .withChecker(true),
                new StorvscOptions()
                        .ringBytes(dice.oneIn(2) ? 16 << 10 : 64 << 10)
                        .queueDepth(32)
                        .cpus(4)
                        .cpusPerSubchannel(1)
                        .scan(2, 2)
                        .timeoutMs(30)
                        .resetTimeoutMs(100)
                        .handshakeTimeoutMs(200)
                        .drainTimeoutMs(50)
                        .tickMs(5),
                standard.queueDepth(),
                new GuestBusOptions(200, 64),
                standard.dma());
    }

    private HostOptions honestHost() throws Exception {
        return new HostOptions()
                .socket(folder.resolve("honest.sock"))
                .dropPrivileges(false)
                .disk(DiskSpec.parse("mem:64M,name=honest"));
    }

    private void report(HostileHost hostile) {
        System.out.printf(
                "hostile host: events=%d %s%nguests: sessions=%d refused=%d ioSucceeded=%d ioFailed=%d stale=%d"
                        + " unknown=%d short=%d malformed=%d excessive=%d timeouts=%d late=%d unsolicited=%d"
                        + " lunResets=%d busResets=%d%n",
                hostile.events(),
                hostile.counts(),
                sessions.sum(),
                refusedConnections,
                succeeded.sum(),
                failed.sum(),
                sum(StorvscStatistics::staleAnswers),
                sum(StorvscStatistics::unknownIds),
                sum(StorvscStatistics::shortPackets),
                sum(StorvscStatistics::malformedPackets),
                sum(StorvscStatistics::excessiveLengths),
                sum(StorvscStatistics::timeouts),
                sum(StorvscStatistics::lateAnswers),
                sum(StorvscStatistics::unsolicited),
                sum(StorvscStatistics::lunResets),
                sum(StorvscStatistics::busResets));
    }

    /** That the events got somewhere: every defence was needed, and much I/O went well. */
    private void requireDepth(HostileHost hostile) {
        assertThat(succeeded.sum()).isPositive();
        assertThat(failed.sum()).isPositive();
        List<ToLongFunction<StorvscStatistics>> defences =
                List.of(
                        StorvscStatistics::staleAnswers,
                        StorvscStatistics::unknownIds,
                        StorvscStatistics::shortPackets,
                        StorvscStatistics::malformedPackets,
                        StorvscStatistics::excessiveLengths,
                        StorvscStatistics::timeouts,
                        StorvscStatistics::unsolicited,
                        StorvscStatistics::lunResets);
        for (int i = 0; i < defences.size(); i++) {
            assertThat(sum(defences.get(i))).as("defence %d", i).isPositive();
        }
        assertThat(hostile.counts().get(HostileEvent.FRAME)).isPositive();
        assertThat(hostile.counts().get(HostileEvent.SCRIBBLE)).isPositive();
    }

    private long sum(ToLongFunction<StorvscStatistics> counter) {
        return statistics.stream().mapToLong(counter).sum();
    }
}
