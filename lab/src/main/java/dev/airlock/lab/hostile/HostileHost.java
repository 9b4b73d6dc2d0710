package dev.airlock.lab.hostile;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.EventCounts;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A storage host that means harm: it serves a real disk to whoever connects, one guest at a time,
 * and once I/O runs, sometimes earlier, spoils what it answers, sends what nobody asked for, writes
 * wrong ring indices and scribbles over all memory it sees, until it ends the connection in one of
 * many ways.
 *
 * <p>Runs on a thread of its own. Thread-safe.
 */
public final class HostileHost implements AutoCloseable {
    private static final int SOCKET_MODE = 0600;
    private static final int BACKLOG = 4;

    private final UnixSocket listener;
    private final long seed;
    private final EventCounts<HostileEvent> counts;
    private final HostTarget target = new HostTarget();
    private final FrameForge frames = new FrameForge();
    private final Thread thread;
    private volatile long sessionsEnded;
    private volatile @Nullable Throwable failure;

    private HostileHost(Path socket, long seed, EventCounts<HostileEvent> counts)
            throws LinuxException {
        this.seed = seed;
        this.counts = counts;
        listener = UnixSocket.listen(socket, SOCKET_MODE, BACKLOG);
        thread = Thread.ofPlatform().daemon().name("hostile-host").unstarted(this::serve);
    }

    /**
     * Starts one; guests can connect when this returns.
     *
     * @param seed of every choice
     * @param counts where it counts what guests have taken in; several hosts may share one
     */
    public static HostileHost start(Path socket, long seed, EventCounts<HostileEvent> counts)
            throws LinuxException {
        HostileHost host = new HostileHost(socket, seed, counts);
        host.thread.start();
        return host;
    }

    /** Connections that have ended, and of which nothing is left. */
    public long sessionsEnded() {
        return sessionsEnded;
    }

    /**
     * What ended the host's thread before its time, such as a guest that hangs; null if nothing.
     */
    public @Nullable Throwable failure() {
        return failure;
    }

    /** Ends it, once the guest that is connected has gone. */
    @Override
    public void close() {
        listener.close();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        target.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve() {
        try {
            for (long session = 0; listener.isOpen(); session++) {
                UnixSocket socket = listener.accept(-1);
                if (socket == null) {
                    return;
                }
                counts.count(HostileEvent.SESSION);
                Dice dice = Dice.ofPart(seed, session);
                try (HostSession guest = new HostSession(socket, target, frames, counts, dice)) {
                    guest.run();
                }
                sessionsEnded = session + 1;
            }
        } catch (LinuxException | RuntimeException | Error e) {
            failure = e;
            listener.close();
        }
    }
}
