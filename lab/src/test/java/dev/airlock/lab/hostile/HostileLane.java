package dev.airlock.lab.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.storvsc.guest.GuestOptions;
import dev.airlock.storvsc.guest.StorageGuest;
import dev.airlock.vmbus.EventCounts;
import dev.airlock.vmbus.guest.GuestBusOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A hostile host with its guests, which come one after another. For one thread. */
final class HostileLane implements AutoCloseable {
    private static final int SESSION_MS_MIN = 50;
    private static final int SESSION_MS_MAX = 1_500;

    private final Path socket;
    private final HostileHost hostile;
    private final EventCounts<HostileEvent> counts;
    private final VictimTally tally;
    private final Dice dice;
    private long sessions;

    /**
     * @param counts of all lanes
     * @param tally of all lanes
     */
    HostileLane(Path socket, long seed, EventCounts<HostileEvent> counts, VictimTally tally)
            throws IOException {
        this.socket = socket;
        this.counts = counts;
        this.tally = tally;
        dice = new Dice(~seed);
        hostile = HostileHost.start(socket, seed, counts);
    }

    /** One guest, with bounded waits for all of it. */
    void session() throws Exception {
        long part = dice.bits();
        sessions++;
        Watch.start("victim", () -> live(new Dice(part))).join(this::progress);
        tally.sessions.increment();
        Watch.until(
                "host has let its guest go",
                () -> hostile.sessionsEnded() >= sessions || hostile.failure() != null);
        assertThat(hostile.failure()).isNull();
    }

    @Override
    public void close() {
        hostile.close();
    }

    private long progress() {
        return HostileEvent.events(counts) + tally.ioSucceeded.sum() + tally.ioFailed.sum();
    }

    private void live(Dice own) throws InterruptedException {
        StorageGuest guest;
        try {
            guest = StorageGuest.connect(socket, options(own));
        } catch (IOException refused) {
            tally.refusedConnections.increment();
            return;
        }
        if (guest.disks().isEmpty()) {
            tally.refusedConnections.increment();
            guest.close();
            return;
        }
        Victim victim = new Victim(guest, tally.ioSucceeded, tally.ioFailed);
        int ms = own.between(SESSION_MS_MIN, SESSION_MS_MAX);
        victim.work(TimeUnit.MILLISECONDS.toNanos(ms), own);
        tally.add(victim.end());
    }

    /** Small, so that limits are met; time-outs are short, since many are run into. */
    private static GuestOptions options(Dice dice) {
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
}
