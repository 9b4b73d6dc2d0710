package dev.airlock.nbd;

import dev.airlock.linux.Errno;
import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Poll;
import dev.airlock.linux.SocketVector;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/**
 * A stream that JSSE encrypts, over another one. What is encrypted and decrypted is copied once
 * between the engine's private memory and the caller's. For one thread.
 */
final class TlsTransport implements Transport {
    /** Records sent with one system call. */
    private static final int RECORDS = 4;

    private final Transport under;
    private final SSLEngine engine;
    private final MemorySegment netInMemory;
    private final MemorySegment netOutMemory;
    private final ByteBuffer netIn;
    private final ByteBuffer netOut;
    private final ByteBuffer appIn;
    private final ByteBuffer appOut;
    private final SocketVector vector = new SocketVector(1);

    /** Whether more may be decrypted without more from the socket. */
    private boolean mayUnwrap;

    private boolean ended;

    /**
     * @param engine of a server, not begun
     */
    TlsTransport(Transport under, SSLEngine engine) {
        this.under = under;
        this.engine = engine;
        int record = engine.getSession().getPacketBufferSize();
        int data = engine.getSession().getApplicationBufferSize();
        netInMemory = Arena.ofAuto().allocate(2L * record);
        netOutMemory = Arena.ofAuto().allocate((long) RECORDS * record);
        // Both hold bytes from 0 to their position.
        netIn = netInMemory.asByteBuffer();
        netOut = netOutMemory.asByteBuffer();
        // Holds bytes from its position to its limit.
        appIn = ByteBuffer.allocateDirect(data).flip();
        appOut = ByteBuffer.allocateDirect(data);
    }

    /** Runs the handshake, waiting by way of the stream, which has its deadline. */
    void handshake(HandshakeStream stream) throws ClientFault, LinuxException {
        try {
            engine.beginHandshake();
            while (engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING) {
                if (!step()) {
                    boolean wantsRoom = netOut.position() > 0;
                    stream.await(wantsRoom ? Poll.WRITABLE : Poll.READABLE);
                }
                if (ended) {
                    throw new ClientFault("left during the TLS handshake");
                }
            }
            while (!drain()) {
                stream.await(Poll.WRITABLE);
            }
        } catch (SSLException e) {
            // The alert that says so to the client, as far as it goes.
            wrapQuietly();
            throw new ClientFault("failed the TLS handshake: " + e.getMessage());
        }
    }

    /** One step of a handshake; false when it has to wait for the socket. */
    private boolean step() throws SSLException {
        return switch (engine.getHandshakeStatus()) {
            case NEED_TASK -> {
                Runnable task = engine.getDelegatedTask();
                if (task != null) {
                    task.run();
                }
                yield true;
            }
            case NEED_WRAP -> drain() && wrapNothing();
            case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> drain() && (unwrap() || fill() > 0);
            default -> true;
        };
    }

    @Override
    public long receive(SocketVector into) {
        try {
            while (!appIn.hasRemaining()) {
                HandshakeStatus status = engine.getHandshakeStatus();
                if (status == HandshakeStatus.NEED_TASK || status == HandshakeStatus.NEED_WRAP) {
                    // A key update, or another message after the handshake.
                    if (!step()) {
                        return -Errno.EAGAIN;
                    }
                    continue;
                }
                if (mayUnwrap && unwrap()) {
                    continue;
                }
                if (ended) {
                    return 0;
                }
                long result = fill();
                if (result <= 0) {
                    return result;
                }
            }
            return into.copyFrom(appIn);
        } catch (SSLException broken) {
            wrapQuietly();
            return -Errno.EPROTO;
        }
    }

    @Override
    public long send(SocketVector from) {
        if (!drain()) {
            return -Errno.EAGAIN;
        }
        appOut.clear();
        int bytes = from.copyTo(appOut);
        appOut.flip();
        try {
            while (appOut.hasRemaining()) {
                SSLEngineResult result = engine.wrap(appOut, netOut);
                if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                    return -Errno.EPIPE;
                }
                if (result.getStatus() == SSLEngineResult.Status.BUFFER_OVERFLOW) {
                    break;
                }
            }
        } catch (SSLException broken) {
            return -Errno.EPROTO;
        }
        int left = appOut.remaining();
        drain();
        return ended && bytes == left ? -Errno.EPIPE : bytes - left;
    }

    @Override
    public Fd fd() {
        return under.fd();
    }

    @Override
    public boolean hasInput() {
        return appIn.hasRemaining() || mayUnwrap;
    }

    @Override
    public boolean drain() {
        while (netOut.position() > 0) {
            vector.clear();
            vector.add(netOutMemory, 0, netOut.position());
            long result = under.send(vector);
            if (result == -Errno.EAGAIN) {
                return false;
            }
            if (result < 0) {
                ended = true;
                netOut.clear();
                return true;
            }
            netOut.flip().position((int) result);
            netOut.compact();
        }
        return true;
    }

    @Override
    public void close() {
        engine.closeOutbound();
        wrapQuietly();
        under.close();
    }

    /** Receives once from the socket. */
    private long fill() {
        vector.clear();
        vector.add(netInMemory, netIn.position(), netIn.remaining());
        long result = under.receive(vector);
        if (result > 0) {
            netIn.position(netIn.position() + (int) result);
            mayUnwrap = true;
        } else if (result != -Errno.EAGAIN) {
            ended = true;
        }
        return result;
    }

    /** Decrypts one record; false when there is none that is whole. */
    private boolean unwrap() throws SSLException {
        netIn.flip();
        appIn.clear();
        SSLEngineResult result;
        try {
            result = engine.unwrap(netIn, appIn);
        } finally {
            netIn.compact();
            appIn.flip();
        }
        ended |= result.getStatus() == SSLEngineResult.Status.CLOSED;
        boolean progressed =
                result.getStatus() == SSLEngineResult.Status.OK
                        && (result.bytesConsumed() > 0 || result.bytesProduced() > 0);
        mayUnwrap = progressed && netIn.position() > 0;
        return progressed;
    }

    private boolean wrapNothing() throws SSLException {
        appOut.clear().flip();
        SSLEngineResult result = engine.wrap(appOut, netOut);
        ended |= result.getStatus() == SSLEngineResult.Status.CLOSED;
        return true;
    }

    /** The last words of a stream that ends anyway. */
    private void wrapQuietly() {
        try {
            while (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP
                    || !engine.isOutboundDone()) {
                appOut.clear().flip();
                SSLEngineResult result = engine.wrap(appOut, netOut);
                if (result.bytesProduced() == 0) {
                    break;
                }
            }
            drain();
        } catch (SSLException alreadyBroken) {
            ended = true;
        }
    }
}
