package dev.airlock.lab.hostile;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.EventCounts;
import java.nio.file.Path;

/**
 * A guest that means harm, against a real storage host: one connection after another, each of which
 * makes contact, opens channels and sends spoiled frames, packets and ring indices, with a second
 * thread that scribbles over shared memory now and then.
 *
 * <p>{@link #run} is for one thread; the counts may be read by any. Owns its memory.
 */
public final class HostileGuest implements AutoCloseable {
    private static final long CONNECT_TIMEOUT_MS = 20_000;
    private static final int STEPS_MAX = 400;
    private static final long SCRIBBLES = -1;

    private final Path socket;
    private final long seed;
    private final EventCounts<HostileEvent> counts;
    private final GuestPages pages;
    private final FrameForge frames = new FrameForge();
    private final ControlForge control;
    private final RequestForge requests;
    private final Scribbler scribbler;
    private final Runnable beforeLeaving;
    private long sessions;

    /**
     * @param socket where the host listens
     * @param seed of every choice
     * @param luns the host's disks are LUNs 0 to {@code luns - 1}
     * @param diskBytes size of a disk, about
     * @param counts where it counts what it does; several guests may share one
     * @param beforeLeaving called at the end of each connection, while the host still knows it
     */
    public HostileGuest(
            Path socket,
            long seed,
            int luns,
            long diskBytes,
            EventCounts<HostileEvent> counts,
            Runnable beforeLeaving)
            throws LinuxException {
        this.socket = socket;
        this.counts = counts;
        this.seed = seed;
        this.beforeLeaving = beforeLeaving;
        pages = new GuestPages();
        try {
            control = new ControlForge(pages, frames);
        } catch (LinuxException e) {
            pages.close();
            throw e;
        }
        requests = new RequestForge(pages, luns, (int) (diskBytes / 512));
        scribbler = new Scribbler(pages.bytes(), seed ^ SCRIBBLES, counts);
    }

    /**
     * Connects again and again until so many events in all were counted, by whoever shares the
     * counts.
     *
     * @throws LinuxException when the host cannot be connected to any more
     * @throws IllegalStateException when the host hangs
     */
    public void run(long eventsMax) throws LinuxException {
        while (HostileEvent.events(counts) < eventsMax) {
            Dice dice = Dice.ofPart(seed, sessions++);
            counts.count(HostileEvent.SESSION);
            try (GuestSession session = session(dice)) {
                session.run(dice.between(1, STEPS_MAX));
                beforeLeaving.run();
                session.leave();
            }
        }
    }

    @Override
    public void close() {
        scribbler.close();
        control.close();
        pages.close();
    }

    private GuestSession session(Dice dice) throws LinuxException {
        UnixSocket connected = UnixSocket.connect(socket, CONNECT_TIMEOUT_MS);
        return new GuestSession(
                connected, pages, control, frames, requests, scribbler, counts, dice);
    }
}
