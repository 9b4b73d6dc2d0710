package dev.airlock.linux;

/**
 * One connected stream socket, Unix or TCP. Nothing here blocks: what cannot be done now is {@code
 * -EAGAIN}, and {@link Poll} waits. One thread may receive and one send at a time; {@link
 * #shutdown} and {@link #close} come from any thread. Owned by who accepted it.
 *
 * <p>The peer may be hostile: it decides how much arrives and when, and nothing else.
 */
public final class StreamSocket implements AutoCloseable {
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;

    /** {@code asm-generic/socket.h}; {@code linux/tcp.h}. */
    private static final int SO_SNDBUF = 7;

    private static final int SO_KEEPALIVE = 9;

    private static final int IPPROTO_TCP = 6;
    private static final int TCP_NODELAY = 1;

    /** The kernel doubles it for its own needs, and takes what {@code net.core.wmem_max} allows. */
    private static final int SEND_BYTES = 1 << 20;

    private final Fd fd;
    private volatile boolean shutDown;

    StreamSocket(Fd fd) {
        this.fd = fd;
    }

    /**
     * Takes over a connected descriptor.
     *
     * @param fd owned from now on
     */
    public static StreamSocket adopt(Fd fd) {
        return new StreamSocket(fd);
    }

    /** For TCP: small replies go out at once, and a peer that vanished is noticed in the end. */
    public void tuneTcp() throws LinuxException {
        RawSocket.setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        RawSocket.setOption(fd, RawSocket.SOL_SOCKET, SO_KEEPALIVE, 1);
    }

    /**
     * For a Unix socket, which does not grow its buffer by itself: room for a large message, so
     * that its sender waits for the reader seldom. (TCP's buffers grow when they need to.)
     */
    public void tuneUnix() throws LinuxException {
        RawSocket.setOption(fd, RawSocket.SOL_SOCKET, SO_SNDBUF, SEND_BYTES);
    }

    /**
     * Receives what is there into the pieces, in their order.
     *
     * @return bytes; 0 when the peer will send nothing more or this end was shut down; or a
     *     negative errno, {@code -EAGAIN} when nothing is there
     */
    public long receive(SocketVector into) {
        if (!fd.tryAcquire()) {
            return 0;
        }
        try {
            long result;
            do {
                result = SocketCalls.receiveVector(fd.held(), into.header(), MSG_DONTWAIT);
            } while (result == -Errno.EINTR);
            return result;
        } finally {
            fd.release();
        }
    }

    /**
     * Sends as much of the pieces as there is room for.
     *
     * @return bytes, or a negative errno, {@code -EAGAIN} when there is no room
     */
    public long send(SocketVector from) {
        if (!fd.tryAcquire()) {
            return -Errno.EPIPE;
        }
        try {
            long result;
            do {
                result =
                        SocketCalls.sendVector(
                                fd.held(), from.header(), MSG_DONTWAIT | MSG_NOSIGNAL);
            } while (result == -Errno.EINTR);
            return result;
        } finally {
            fd.release();
        }
    }

    /** The descriptor, for a {@link Poll}. Still owned by this object. */
    public Fd fd() {
        return fd;
    }

    /** False once shut down or closed from this end. */
    public boolean isOpen() {
        return !shutDown;
    }

    /** Ends the connection in both directions; a poll on it returns. */
    public void shutdown() {
        shutDown = true;
        if (fd.tryAcquire()) {
            try {
                // ENOTCONN when the peer has gone already.
                SocketCalls.shutdown(fd.held(), RawSocket.SHUT_RDWR);
            } finally {
                fd.release();
            }
        }
    }

    /** Closes without ado: what was not sent yet may still arrive. A second close does nothing. */
    @Override
    public void close() {
        shutDown = true;
        fd.close();
    }

    @Override
    public String toString() {
        return "StreamSocket " + fd;
    }
}
