package dev.airlock.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Unix socket of whole messages (SOCK_SEQPACKET) that also carries descriptors. Thread-safe;
 * owned by who made or accepted it. The peer may be hostile: nothing it sends or fails to read
 * blocks a caller beyond the time-out it gave.
 *
 * <p>{@link #shutdown} and {@link #close} end every wait on other threads. An empty message cannot
 * be sent, and counts as the end when received.
 */
public final class UnixSocket implements AutoCloseable {
    /** The most descriptors in one message; one that carries more is an error at either end. */
    public static final int FDS_MAX = 8;

    /** How long {@link #send(MemorySegment, Fd...)} waits for a peer that does not read. */
    public static final long SEND_TIMEOUT_MS = 10_000;

    /** {@code linux/socket.h}. */
    private static final int MSG_CTRUNC = 0x8;

    private static final int MSG_TRUNC = 0x20;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    private final Fd fd;

    /** Signalled once by shutdown and never drained, so that every wait of now and later ends. */
    private final EventFd stop;

    /** Where it listens; removes the name at close. */
    private final @Nullable ListeningPath listeningPath;

    private volatile boolean shutDown;

    private UnixSocket(Fd fd, @Nullable ListeningPath listeningPath) throws LinuxException {
        this.fd = fd;
        this.listeningPath = listeningPath;
        try {
            stop = EventFd.create();
        } catch (LinuxException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Listens at a path. The path appears only once connections are accepted; a socket that nobody
     * listens on any more is replaced; the name is removed by {@link #close}.
     *
     * @param mode permission bits of the path, usually 0600
     * @param backlog connections that may wait for {@link #accept}
     * @throws LinuxException EADDRINUSE when somebody listens there, EEXIST when something else
     *     than a socket is there
     */
    public static UnixSocket listen(Path path, int mode, int backlog) throws LinuxException {
        Fd fd = RawSocket.nonBlocking(path.toString());
        try {
            ListeningPath name = ListeningPath.listen(fd, path, mode, backlog);
            try {
                return new UnixSocket(fd, name);
            } catch (LinuxException e) {
                name.remove();
                throw e;
            }
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Connects to a listening socket.
     *
     * @param timeoutMs how long to wait when its backlog is full; negative waits without end
     * @throws LinuxException ENOENT or ECONNREFUSED when nobody listens there, EAGAIN after the
     *     time-out
     */
    public static UnixSocket connect(Path path, long timeoutMs) throws LinuxException {
        Fd fd = RawSocket.blocking(path.toString());
        try {
            if (timeoutMs >= 0) {
                RawSocket.setSendTimeout(fd, Math.max(timeoutMs, 1));
            }
            int result = RawSocket.connect(fd, path);
            if (result < 0) {
                throw new LinuxException("connect", "path=" + path, -result);
            }
            return new UnixSocket(fd, null);
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** Two sockets connected with each other. */
    public static Pair pair() throws LinuxException {
        Fd[] ends = RawSocket.pair();
        UnixSocket left;
        try {
            left = new UnixSocket(ends[0], null);
        } catch (LinuxException e) {
            ends[1].close();
            throw e;
        }
        try {
            return new Pair(left, new UnixSocket(ends[1], null));
        } catch (LinuxException e) {
            left.close();
            throw e;
        }
    }

    /** Both ends of {@link #pair}; closes both. */
    public record Pair(UnixSocket left, UnixSocket right) implements AutoCloseable {
        @Override
        public void close() {
            left.close();
            right.close();
        }
    }

    /**
     * Takes the next connection.
     *
     * @param timeoutMs negative waits without end
     * @return owned by the caller; null after the time-out or once shut down (see {@link #isOpen})
     * @throws LinuxException also EMFILE: wait before trying again
     */
    public @Nullable UnixSocket accept(long timeoutMs) throws LinuxException {
        Deadline deadline = new Deadline(timeoutMs);
        while (awaitReady(Poll.READABLE, deadline.remainingMs())) {
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
                return new UnixSocket(Fd.adopt(raw, "accepted"), null);
            }
            // ECONNABORTED (103): the peer gave up while it waited.
            if (raw != -Errno.EAGAIN && raw != -Errno.EINTR && raw != -103) {
                if (shutDown) {
                    return null;
                }
                throw new LinuxException("accept4", fd.toString(), -raw);
            }
        }
        return null;
    }

    /** Sends a message with descriptors, waiting {@link #SEND_TIMEOUT_MS} at most for room. */
    public void send(MemorySegment message, Fd... fds) throws LinuxException {
        send(message, SEND_TIMEOUT_MS, fds);
    }

    /** Sends the first {@code length} bytes, as {@link #send(MemorySegment, Fd...)}. */
    public void send(byte[] message, int length, Fd... fds) throws LinuxException {
        send(MemorySegment.ofArray(message).asSlice(0, length), SEND_TIMEOUT_MS, fds);
    }

    /**
     * Sends a message, whole or not at all.
     *
     * @param message at least one byte
     * @param timeoutMs how long to wait for room, negative without end
     * @param fds stay owned by the caller, who may close them at once
     * @throws LinuxException ETIMEDOUT without room, EPIPE or ECONNRESET when the peer has gone or
     *     this end was shut down
     */
    public void send(MemorySegment message, long timeoutMs, Fd... fds) throws LinuxException {
        if (message.byteSize() == 0 || fds.length > FDS_MAX) {
            throw new IllegalArgumentException(
                    "bad message: bytes="
                            + message.byteSize()
                            + " fds="
                            + fds.length
                            + " max="
                            + FDS_MAX);
        }
        int held = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data =
                    message.isNative()
                            ? message
                            : arena.allocate(message.byteSize()).copyFrom(message);
            MessageHeader header = new MessageHeader(arena, data, fds.length);
            int[] raw = new int[fds.length];
            for (; held < fds.length; held++) {
                raw[held] = fds[held].acquire();
            }
            if (fds.length > 0) {
                header.putFds(raw);
            }
            sendWaiting(header, message.byteSize(), timeoutMs);
        } finally {
            for (int i = 0; i < held; i++) {
                fds[i].release();
            }
        }
    }

    /**
     * Receives a message.
     *
     * @param buffer native memory for the largest message expected
     * @param timeoutMs 0 returns at once, negative waits without end
     * @return the message, or that none came in time, or that none will come; to be closed by the
     *     caller
     * @throws LinuxException EMSGSIZE when a message was longer than the buffer or carried more
     *     than {@link #FDS_MAX} descriptors (they are closed); other errors of the socket
     */
    public ReceivedMessage receive(MemorySegment buffer, long timeoutMs) throws LinuxException {
        if (!buffer.isNative() || buffer.byteSize() == 0) {
            throw new IllegalArgumentException("buffer is not native memory: " + buffer);
        }
        Deadline deadline = new Deadline(timeoutMs);
        while (awaitReady(Poll.READABLE, deadline.remainingMs())) {
            if (!fd.tryAcquire()) {
                return ReceivedMessage.CLOSED;
            }
            try (Arena arena = Arena.ofConfined()) {
                MessageHeader header = new MessageHeader(arena, buffer, FDS_MAX);
                long result =
                        SocketCalls.recvmsg(
                                fd.held(), header.segment, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
                if (result != -Errno.EAGAIN && result != -Errno.EINTR) {
                    return received(header, result);
                }
            } finally {
                fd.release();
            }
        }
        return shutDown ? ReceivedMessage.CLOSED : ReceivedMessage.TIMED_OUT;
    }

    /** Who is at the other end. */
    public PeerCredentials peerCredentials() throws LinuxException {
        return RawSocket.peerCredentials(fd);
    }

    /** The descriptor, for a {@link Poll}. Still owned by this object. */
    public Fd fd() {
        return fd;
    }

    /** False once shut down or closed from this end. */
    public boolean isOpen() {
        return !shutDown;
    }

    /**
     * Ends the connection in both directions and every wait on it; the descriptor stays until
     * {@link #close}.
     */
    public void shutdown() {
        shutDown = true;
        stop.signal();
        if (fd.tryAcquire()) {
            try {
                // ENOTCONN when the peer has gone already.
                SocketCalls.shutdown(fd.held(), RawSocket.SHUT_RDWR);
            } finally {
                fd.release();
            }
        }
    }

    /** Shuts down, removes the path it listens at, and closes. A second close does nothing. */
    @Override
    public void close() {
        if (!fd.isOpen()) {
            return;
        }
        if (listeningPath != null) {
            listeningPath.remove();
        }
        shutdown();
        fd.close();
        // Not drained by its close while waiters hold it: they see the signal and leave.
        stop.fd().close();
    }

    @Override
    public String toString() {
        return "UnixSocket " + fd;
    }

    private void sendWaiting(MessageHeader header, long bytes, long timeoutMs)
            throws LinuxException {
        Deadline deadline = new Deadline(timeoutMs);
        while (true) {
            if (shutDown || !fd.tryAcquire()) {
                throw new LinuxException("sendmsg", "closed at this end " + fd, Errno.EPIPE);
            }
            long result;
            try {
                result =
                        SocketCalls.sendmsg(fd.held(), header.segment, MSG_DONTWAIT | MSG_NOSIGNAL);
            } finally {
                fd.release();
            }
            if (result == bytes) {
                return;
            }
            if (result >= 0 || (result != -Errno.EAGAIN && result != -Errno.EINTR)) {
                int errno = result >= 0 ? Errno.EIO : (int) -result;
                throw new LinuxException("sendmsg", "bytes=" + bytes + " " + fd, errno);
            }
            if (!awaitReady(Poll.WRITABLE, deadline.remainingMs()) && !shutDown) {
                String details = "peer does not read: timeoutMs=" + timeoutMs + " " + fd;
                throw new LinuxException("sendmsg", details, Errno.ETIMEDOUT);
            }
        }
    }

    private ReceivedMessage received(MessageHeader header, long result) throws LinuxException {
        if (result == -Errno.ECONNRESET) {
            return ReceivedMessage.CLOSED;
        }
        if (result < 0) {
            throw new LinuxException("recvmsg", fd.toString(), (int) -result);
        }
        List<Fd> fds = header.takeFds();
        ReceivedMessage message = ReceivedMessage.of((int) result, fds);
        if ((header.flags() & (MSG_TRUNC | MSG_CTRUNC)) != 0 || fds.size() > FDS_MAX) {
            message.close();
            String what =
                    (header.flags() & MSG_TRUNC) != 0
                            ? "message longer than buffer"
                            : "descriptors lost";
            throw new LinuxException(
                    "recvmsg", what + ": fdsMax=" + FDS_MAX + " " + fd, Errno.EMSGSIZE);
        }
        if (result == 0) {
            message.close();
            return ReceivedMessage.CLOSED;
        }
        return message;
    }

    /** True when ready; false after the time-out or once shut down. */
    private boolean awaitReady(int events, long timeoutMs) throws LinuxException {
        if (shutDown || !fd.tryAcquire()) {
            return false;
        }
        try {
            if (!stop.fd().tryAcquire()) {
                return false;
            }
            try {
                CallFrame frame = CallFrame.current();
                Poll.set(frame.pollFds, 0, fd.held(), events);
                Poll.set(frame.pollFds, 1, stop.fd().held(), Poll.READABLE);
                int ready = Poll.await(frame, frame.pollFds, 2, timeoutMs);
                if (ready < 0) {
                    throw new LinuxException("poll", fd.toString(), -ready);
                }
                return ready > 0 && !shutDown;
            } finally {
                stop.fd().release();
            }
        } finally {
            fd.release();
        }
    }
}
