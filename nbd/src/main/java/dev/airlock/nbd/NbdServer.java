package dev.airlock.nbd;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.StreamListener;
import dev.airlock.linux.StreamSocket;
import dev.airlock.storvsc.LunAddress;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Serves the disks of a guest to NBD clients.
 *
 * <p>Thread-safe. The guest may be taken away when its host has died, and another given: clients
 * stay connected, and are answered with errors in between. Owns listeners and guests.
 */
public final class NbdServer implements AutoCloseable {
    /** How long clients have for what is under way when the server ends. */
    private static final long CLOSE_GRACE_MS = 2_000;

    private static final long CLOSE_WAIT_MS = 40_000;

    /** No descriptor or no memory for another client: they wait in the backlog meanwhile. */
    private static final long ACCEPT_PAUSE_NANOS = 100_000_000;

    private final NbdOptions options;
    private final TlsPolicy tls;
    private final List<StreamListener> listeners = new ArrayList<>();
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final Map<LunAddress, ExportState> exports = new ConcurrentHashMap<>();
    private final NbdTotals totals = new NbdTotals();
    private final Object sessionLock = new Object();
    private @Nullable GuestSession session;
    private volatile boolean stopping;
    private volatile @Nullable Runnable whenLastLeft;

    /** Guarded by connections' own monitor. */
    private long accepted;

    /**
     * A server without listeners: whoever connects later finds a guest, if there is one by then.
     */
    public NbdServer(NbdOptions options, TlsPolicy tls) {
        this.options = options;
        this.tls = tls;
    }

    /**
     * Accepts clients from now on.
     *
     * @param listener owned from now on
     */
    public void listen(StreamListener listener) {
        synchronized (listeners) {
            listeners.add(listener);
        }
        Thread thread = new Thread(() -> acceptAll(listener), "nbd-accept");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Serves the disks of this guest from now on.
     *
     * @param guest owned from now on; its memory must have room for {@link NbdOptions#guestBytes}
     * @param naming what a disk's export is called
     */
    public void attach(StorageGuest guest, Function<LunFacts, String> naming) {
        GuestSession fresh = new GuestSession(guest, naming);
        replace(fresh);
        connections.forEach(Connection::nudge);
    }

    /** The guest's host has gone: clients get errors until there is another guest. */
    public void detach() {
        exports.values().forEach(ExportState::hostLost);
        replace(null);
        connections.forEach(Connection::nudge);
    }

    /** Runs this each time the last client has left. */
    public void whenLastLeft(Runnable action) {
        whenLastLeft = action;
    }

    /** What clients have done and are doing. Allocates. */
    public NbdStatistics statistics() {
        return totals.snapshot(connections.stream().map(Connection::counters).toList());
    }

    /**
     * Refuses new clients, lets the others end what is under way for a short time, and closes
     * everything.
     */
    @Override
    public void close() {
        stopping = true;
        synchronized (listeners) {
            listeners.forEach(StreamListener::close);
        }
        connections.forEach(Connection::nudge);
        long start = System.nanoTime();
        join(start, CLOSE_GRACE_MS);
        connections.forEach(Connection::abort);
        join(start, CLOSE_WAIT_MS);
        replace(null);
    }

    NbdOptions options() {
        return options;
    }

    TlsPolicy tls() {
        return tls;
    }

    boolean isStopping() {
        return stopping;
    }

    void log(String line) {
        options.log().accept(line);
    }

    /** What all connections to a disk share. */
    ExportState export(LunAddress address) {
        return exports.computeIfAbsent(address, key -> new ExportState());
    }

    /** The guest of now, to be released; null when there is none. */
    @Nullable GuestSession retainSession() {
        synchronized (sessionLock) {
            GuestSession current = session;
            return current != null && current.retain() ? current : null;
        }
    }

    /**
     * A connection's way to a disk.
     *
     * @param retained becomes the link's; released when this throws
     */
    DiskLink link(GuestSession retained, LunFacts disk) throws IOException {
        return DiskLink.open(
                retained, disk, options.bytesPerConnection(), options.requestsPerConnection());
    }

    /** A way to the same disk by the guest of now; null when there is none yet. */
    @Nullable DiskLink relink(Agreement agreed) {
        GuestSession current = retainSession();
        if (current == null) {
            return null;
        }
        LunFacts before = agreed.disk();
        LunFacts disk = current.guest().adapter().lun(before.address());
        boolean isSame =
                disk != null
                        && disk.serial().equals(before.serial())
                        && disk.sectorBytes() == before.sectorBytes();
        if (disk == null || !isSame) {
            current.release();
            return null;
        }
        try {
            return link(current, disk);
        } catch (IOException noMemory) {
            log("export " + agreed.name() + ": " + noMemory.getMessage());
            return null;
        }
    }

    /** A connection's thread is at its end. */
    void ended(Connection connection) {
        boolean isLast;
        synchronized (connections) {
            totals.left(connection.counters());
            connections.remove(connection);
            isLast = connections.isEmpty();
            connections.notifyAll();
        }
        Runnable action = whenLastLeft;
        if (isLast && action != null && !stopping) {
            action.run();
        }
    }

    private void replace(@Nullable GuestSession by) {
        GuestSession before;
        synchronized (sessionLock) {
            before = session;
            session = by;
        }
        if (before != null) {
            before.retire();
        }
    }

    private void acceptAll(StreamListener listener) {
        while (!stopping) {
            try {
                StreamSocket socket = listener.accept();
                if (socket == null) {
                    return;
                }
                admit(socket);
            } catch (LinuxException e) {
                log("cannot accept a client: " + e.getMessage());
                LockSupport.parkNanos(ACCEPT_PAUSE_NANOS);
            }
        }
    }

    private void admit(StreamSocket socket) throws LinuxException {
        Connection connection = null;
        synchronized (connections) {
            accepted++;
            if (connections.size() < options.connectionsMax() && !stopping) {
                try {
                    connection = new Connection(this, socket, accepted);
                } finally {
                    if (connection == null) {
                        socket.close();
                    }
                }
                connections.add(connection);
                totals.came();
            }
        }
        if (connection == null) {
            socket.close();
            if (!stopping) {
                totals.refused();
                log("client refused: there are " + options.connectionsMax() + " already");
            }
            return;
        }
        connection.start();
    }

    private void join(long startNanos, long timeoutMs) {
        boolean interrupted = false;
        for (Connection connection : connections) {
            long leftMs = timeoutMs - (System.nanoTime() - startNanos) / 1_000_000;
            try {
                if (leftMs > 0) {
                    connection.join(leftMs);
                }
            } catch (InterruptedException e) {
                interrupted = true;
                break;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
