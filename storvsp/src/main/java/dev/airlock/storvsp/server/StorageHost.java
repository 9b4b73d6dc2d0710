package dev.airlock.storvsp.server;

import dev.airlock.disk.DiskException;
import dev.airlock.disk.DiskSpec;
import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.PeerCredentials;
import dev.airlock.linux.Privileges;
import dev.airlock.linux.UnixSocket;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A storage host: serves disks to guests that connect to a Unix socket, until it is closed.
 *
 * <p>Starting opens the disks, then the sockets, which appear (0600) only when they can be
 * connected to, then gives up every right the process has beyond an ordinary user's. Only processes
 * of the user who started it, and root's, are served. Closing lets I/O under way finish, flushes
 * the disks, and removes the sockets.
 *
 * <p>Thread-safe.
 */
public final class StorageHost implements AutoCloseable {
    private static final int SOCKET_MODE = 0600;
    private static final int BACKLOG = 16;
    private static final int CONTROL_CONNECTIONS_MAX = 8;
    private static final int ROOT_UID = 0;

    private final Path path;
    private final Consumer<String> log;
    private final LunTable luns;
    private final GuestTable guests;
    private final ControlServer control;
    private final List<UnixSocket> listeners = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final int ownUid;
    private @Nullable SocketJanitor janitor;

    /** Connections to the control socket; guarded by itself. */
    private final List<UnixSocket> controls = new ArrayList<>();

    private volatile boolean closing;
    private boolean closed;

    private StorageHost(Path path, HostOptions options) throws LinuxException {
        this.path = path;
        log = options.log();
        luns = new LunTable(options.storage().maxTransferBytes(), log);
        guests = new GuestTable(options, luns);
        control = new ControlServer(luns, guests);
        try (UnixSocket.Pair own = UnixSocket.pair()) {
            ownUid = own.left().peerCredentials().uid();
        }
    }

    /**
     * Starts a host; it accepts guests when this returns.
     *
     * @throws IOException with one line for the user, when a disk or a socket cannot be opened or
     *     rights cannot be given up; nothing is left behind
     */
    public static StorageHost start(HostOptions options) throws IOException {
        boolean started = false;
        StorageHost host = null;
        try {
            host = new StorageHost(options.conclude(), options);
            host.openDisks(options);
            host.listen(options);
            started = true;
            return host;
        } finally {
            if (!started) {
                closeAfterFailure(host, options);
            }
        }
    }

    /** Where guests connect. */
    public Path socket() {
        return path;
    }

    /** The disks, by LUN. */
    public List<DiskStatus> disks() {
        return luns.status();
    }

    /** The guests connected now. */
    public List<GuestStatus> guests() {
        return guests.status();
    }

    /**
     * Asks the guests that have the service for it to switch themselves off; does not wait.
     *
     * @return how many have it
     */
    public int askGuestsToShutDown() {
        return guests.askToShutDown();
    }

    /**
     * Serves one more disk, to guests connected already too.
     *
     * @return its LUN
     * @throws HostException if its name is taken or there are too many; it stays the caller's then
     */
    public int addDisk(HostDisk disk) throws HostException {
        return luns.add(disk);
    }

    /**
     * Takes a disk away from all guests, waits for what is under way on it, flushes and closes it.
     *
     * @throws HostException if there is none of that name
     * @throws DiskException if its last flush failed; it is gone all the same
     */
    public void removeDisk(String name) throws HostException, DiskException, InterruptedException {
        luns.remove(name);
    }

    /**
     * Gives a disk another size, and tells the guests that have it.
     *
     * @param newBytes the size; empty to take over what its file or block device has now
     * @throws HostException if there is none of that name
     * @throws DiskException if it cannot have that size
     */
    public void resizeDisk(String name, OptionalLong newBytes) throws HostException, DiskException {
        luns.resize(name, newBytes);
    }

    /** Waits until {@link #close} has been called by some thread and is done. */
    public synchronized void awaitClosed() throws InterruptedException {
        while (!closed) {
            wait();
        }
    }

    /**
     * Ends: no new guests, I/O under way finishes, guests are disconnected, disks are flushed and
     * closed, sockets removed. Waits for all that. A second close waits for the first.
     *
     * @throws IOException if a disk could not be flushed: what guests wrote last may be lost
     */
    @Override
    public void close() throws IOException {
        synchronized (this) {
            if (closing) {
                awaitClosedUninterrupted();
                return;
            }
            closing = true;
        }
        List<String> failures = new ArrayList<>();
        try {
            stopListening();
            guests.close();
            failures.addAll(luns.closeAll());
            SocketJanitor started = janitor;
            if (started != null) {
                started.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            failures.add("interrupted while closing");
        } finally {
            synchronized (this) {
                closed = true;
                notifyAll();
            }
        }
        if (!failures.isEmpty()) {
            throw new HostException(String.join("; ", failures));
        }
    }

    private void openDisks(HostOptions options) throws IOException {
        for (HostOptions.Served served : options.disks()) {
            HostDisk disk = served.opened();
            DiskSpec spec = served.spec();
            if (disk == null && spec != null) {
                disk = HostDisk.of(spec, spec.open());
            }
            if (disk != null) {
                addOrClose(disk);
            }
        }
    }

    private void addOrClose(HostDisk disk) throws HostException {
        try {
            luns.add(disk);
        } catch (HostException e) {
            disk.disk().close();
            throw e;
        }
    }

    private void listen(HostOptions options) throws IOException {
        List<Path> paths = new ArrayList<>(List.of(path));
        listeners.add(listen(path));
        Path controlPath = options.control();
        if (controlPath != null) {
            listeners.add(listen(controlPath));
            paths.add(controlPath);
        }
        if (options.dropsPrivileges()) {
            if (ownUid == ROOT_UID && !options.leavesSockets()) {
                janitor = SocketJanitor.start(paths);
            }
            ProgramFiles.open();
            Privileges.drop();
        }
        serve("accept", listeners.getFirst(), guests::admit);
        if (controlPath != null) {
            serve("control", listeners.getLast(), this::admitControl);
        }
    }

    private static UnixSocket listen(Path path) throws HostException {
        try {
            return UnixSocket.listen(path, SOCKET_MODE, BACKLOG);
        } catch (LinuxException e) {
            String why =
                    switch (e.errno()) {
                        case Errno.EADDRINUSE -> "another process listens there";
                        case Errno.EEXIST -> "it exists and is not a socket";
                        case Errno.ENOENT -> "its directory does not exist";
                        default -> e.getMessage();
                    };
            throw new HostException("cannot listen at " + path + ": " + why, e);
        }
    }

    private interface Admission {
        void admit(UnixSocket socket, PeerCredentials peer) throws LinuxException;
    }

    private void serve(String name, UnixSocket listener, Admission admission) {
        Thread thread =
                Thread.ofPlatform()
                        .name(name)
                        .daemon()
                        .unstarted(() -> acceptAll(listener, admission));
        threads.add(thread);
        thread.start();
    }

    private void acceptAll(UnixSocket listener, Admission admission) {
        while (!closing) {
            try {
                UnixSocket socket = listener.accept(-1);
                if (socket != null) {
                    admitIfAllowed(socket, admission);
                }
            } catch (LinuxException e) {
                log.accept("connection not accepted: " + e.getMessage());
                pauseAfterFailure();
            }
        }
    }

    private void admitIfAllowed(UnixSocket socket, Admission admission) throws LinuxException {
        PeerCredentials peer;
        try {
            peer = socket.peerCredentials();
        } catch (LinuxException e) {
            socket.close();
            throw e;
        }
        if (peer.uid() != ownUid && peer.uid() != ROOT_UID) {
            socket.close();
            log.accept(
                    "connection refused: uid=%d pid=%d is not the user of this host"
                            .formatted(peer.uid(), peer.pid()));
            return;
        }
        admission.admit(socket, peer);
    }

    private void admitControl(UnixSocket socket, PeerCredentials peer) {
        synchronized (controls) {
            if (closing || controls.size() >= CONTROL_CONNECTIONS_MAX) {
                socket.close();
                log.accept(
                        "control connection refused: limit controlConnections=%d reached: pid=%d"
                                .formatted(CONTROL_CONNECTIONS_MAX, peer.pid()));
                return;
            }
            controls.add(socket);
        }
        Thread.ofPlatform()
                .name("control-" + peer.pid())
                .daemon()
                .start(() -> serveControl(socket));
    }

    private void serveControl(UnixSocket socket) {
        try (socket) {
            control.serve(socket);
        } catch (LinuxException e) {
            log.accept("control connection lost: " + e.getMessage());
        } finally {
            synchronized (controls) {
                controls.remove(socket);
                controls.notifyAll();
            }
        }
    }

    /** Out of descriptors, most likely: waiting lets some come back, and spares the log. */
    private synchronized void pauseAfterFailure() {
        try {
            if (!closing) {
                wait(100);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void stopListening() throws InterruptedException {
        listeners.forEach(UnixSocket::close);
        synchronized (controls) {
            controls.forEach(UnixSocket::shutdown);
            while (!controls.isEmpty()) {
                controls.wait();
            }
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void closeAfterFailure(@Nullable StorageHost host, HostOptions options) {
        if (host != null) {
            try {
                host.close();
            } catch (IOException e) {
                options.log().accept("while ending after a failed start: " + e.getMessage());
            }
        }
        for (HostOptions.Served served : options.disks()) {
            HostDisk never = served.opened();
            if (never != null) {
                // Closing again does nothing.
                never.disk().close();
            }
        }
    }

    private synchronized void awaitClosedUninterrupted() {
        boolean interrupted = false;
        while (!closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
