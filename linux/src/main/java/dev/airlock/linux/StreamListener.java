package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A listening stream socket: a path, a TCP port, or one that was inherited. Thread-safe; owned by
 * who made it. {@link #close} ends every wait.
 */
public final class StreamListener implements AutoCloseable {
    private static final int SO_TYPE = 3;
    private static final int SO_REUSEADDR = 2;
    private static final int SO_ACCEPTCONN = 30;
    private static final int SOCK_STREAM = 1;
    private static final int ADDRESS_BYTES = 128;

    /** The peer gave up while it waited ({@code asm-generic/errno.h}). */
    private static final int ECONNABORTED = 103;

    private static final int FD_CLOEXEC = 1;
    private static final int F_SETFD = 2;

    private final Fd fd;
    private final @Nullable ListeningPath path;
    private final boolean isTcp;

    /** Signalled once by close and never drained, so that every wait of now and later ends. */
    private final EventFd stop;

    private StreamListener(Fd fd, @Nullable ListeningPath path) throws LinuxException {
        this.fd = fd;
        this.path = path;
        this.isTcp = port(fd) >= 0;
        this.stop = EventFd.create();
    }

    /**
     * Listens at a path, as {@link UnixSocket#listen} does: the path appears when connections are
     * accepted, a stale socket is replaced, close removes the name.
     *
     * @param mode permission bits of the path, usually 0600
     * @param backlog connections that may wait for {@link #accept}
     */
    public static StreamListener listen(Path path, int mode, int backlog) throws LinuxException {
        Fd fd = RawSocket.stream(SocketAddress.AF_UNIX, path.toString());
        try {
            return new StreamListener(fd, ListeningPath.listen(fd, path, mode, backlog));
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Listens on a TCP port.
     *
     * @param port 0 for any that is free, see {@link #port}
     */
    public static StreamListener listen(InetAddress host, int port, int backlog)
            throws LinuxException {
        String what = host.getHostAddress() + ":" + port;
        Fd fd = RawSocket.stream(SocketAddress.family(host), what);
        try (Arena arena = Arena.ofConfined()) {
            RawSocket.setOption(fd, RawSocket.SOL_SOCKET, SO_REUSEADDR, 1);
            MemorySegment address = SocketAddress.of(arena, host, port);
            check(SocketCalls.bind(fd.raw(), address), "bind", what);
            check(SocketCalls.listen(fd.raw(), backlog), "listen", what);
            return new StreamListener(fd, null);
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Takes over a descriptor that listens already, as systemd's socket activation hands them out.
     *
     * @param raw owned from now on, also when this throws
     * @throws LinuxException EINVAL when it is no listening stream socket
     */
    public static StreamListener adopt(int raw) throws LinuxException {
        Fd fd = Fd.adopt(raw, "inherited socket");
        try {
            if (RawSocket.option(fd, RawSocket.SOL_SOCKET, SO_TYPE) != SOCK_STREAM
                    || RawSocket.option(fd, RawSocket.SOL_SOCKET, SO_ACCEPTCONN) != 1) {
                throw new LinuxException(
                        "adopt", "not a listening stream socket: " + fd, Errno.EINVAL);
            }
            check(FileCalls.fcntl(raw, F_SETFD, FD_CLOEXEC), "fcntl", fd.what());
            check(
                    FileCalls.fcntl(raw, FileCalls.F_SETFL, RawSocket.SOCK_NONBLOCK),
                    "fcntl",
                    fd.what());
            return new StreamListener(fd, null);
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Takes the next connection.
     *
     * @return owned by the caller; null once closed
     * @throws LinuxException also EMFILE: wait before trying again
     */
    public @Nullable StreamSocket accept() throws LinuxException {
        Poll poll = new Poll(2);
        poll.add(fd, Poll.READABLE);
        poll.add(stop);
        while (fd.isOpen()) {
            try {
                poll.await(-1);
            } catch (IllegalStateException closedMeanwhile) {
                return null;
            }
            if (!fd.tryAcquire()) {
                return null;
            }
            int raw;
            try {
                raw = SocketCalls.accept4(fd.held(), RawSocket.SOCK_CLOEXEC);
            } finally {
                fd.release();
            }
            if (raw >= 0) {
                StreamSocket accepted = new StreamSocket(Fd.adopt(raw, "accepted"));
                if (tuned(accepted)) {
                    return accepted;
                }
            }
            if (raw < 0 && raw != -Errno.EAGAIN && raw != -Errno.EINTR && raw != -ECONNABORTED) {
                throw new LinuxException("accept4", fd.toString(), -raw);
            }
        }
        return null;
    }

    /** The TCP port it listens on; -1 for a Unix socket. */
    public int port() throws LinuxException {
        return port(fd);
    }

    /** Stops listening and removes the path. A second close does nothing. */
    @Override
    public void close() {
        if (!fd.isOpen()) {
            return;
        }
        if (path != null) {
            path.remove();
        }
        stop.signal();
        fd.close();
        // Not drained by its close while waiters hold it: they see the signal and leave.
        stop.fd().close();
    }

    private boolean tuned(StreamSocket accepted) {
        try {
            if (isTcp) {
                accepted.tuneTcp();
            } else {
                accepted.tuneUnix();
            }
            return true;
        } catch (LinuxException goneAlready) {
            accepted.close();
            return false;
        }
    }

    private static int port(Fd fd) throws LinuxException {
        int raw = fd.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ADDRESS_BYTES, 8);
            MemorySegment length = arena.allocate(4, 4);
            length.set(JAVA_INT, 0, ADDRESS_BYTES);
            check(SocketCalls.getsockname(raw, address, length), "getsockname", fd.what());
            return SocketAddress.port(address);
        } finally {
            fd.release();
        }
    }

    private static void check(int result, String call, String what) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, "address=" + what, -result);
        }
    }
}
