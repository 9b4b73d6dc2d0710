package dev.airlock.nbd;

import dev.airlock.linux.Errno;
import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Poll;
import dev.airlock.linux.SocketVector;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * A stream that a {@link TlsSession} encrypts, over another one. The session is given one whole
 * record at a time, so what it holds is bounded. For one thread.
 */
final class RecordTransport implements Transport {
    /** RFC 8446, section 5.1: type, version, length. */
    private static final int HEADER_BYTES = 5;

    private static final int LENGTH_OFFSET = 3;
    private static final int DATA_BYTES_MAX = 1 << 14;

    /** RFC 5246, section 6.2.3: the largest of a record's payload; longer ones are malformed. */
    private static final int RECORD_BYTES_MAX = HEADER_BYTES + DATA_BYTES_MAX + 2048;

    /** Data encrypted before what came of it is sent. */
    private static final int SEND_BYTES = 4 * DATA_BYTES_MAX;

    /**
     * More answers than this that the client does not read, to messages that are no data, are
     * abuse.
     */
    private static final int UNREAD_BYTES_MAX = SEND_BYTES + 2 * RECORD_BYTES_MAX;

    private final Transport under;
    private final TlsSession session;
    private final SocketVector vector = new SocketVector(1);
    private final MemorySegment netOutMemory = Arena.ofAuto().allocate(SEND_BYTES);

    /** Encrypted, from the front to its position. */
    private final ByteBuffer netOut = netOutMemory.asByteBuffer();

    private final MemorySegment netInMemory = Arena.ofAuto().allocate(RECORD_BYTES_MAX);

    /** Encrypted, from the front to its position. */
    private final ByteBuffer netIn = netInMemory.asByteBuffer();

    private final byte[] record = new byte[RECORD_BYTES_MAX];

    /** Decrypted, from its position to its limit. */
    private final ByteBuffer appIn = ByteBuffer.allocate(DATA_BYTES_MAX).flip();

    private final ByteBuffer appOut = ByteBuffer.allocate(SEND_BYTES);
    private boolean ended;

    RecordTransport(Transport under, TlsSession session) {
        this.under = under;
        this.session = session;
    }

    /** Runs the handshake, waiting by way of the stream, which has its deadline. */
    void handshake(HandshakeStream stream) throws ClientFault, LinuxException {
        try {
            while (session.isHandshaking()) {
                if (!drain()) {
                    stream.await(Poll.WRITABLE);
                } else if (!takeRecord() && fill() == -Errno.EAGAIN) {
                    stream.await(Poll.READABLE);
                }
                if (ended) {
                    throw new ClientFault("left during the TLS handshake " + session.client());
                }
            }
            while (!drain()) {
                stream.await(Poll.WRITABLE);
            }
        } catch (IOException e) {
            // The alert that says so to the client, as far as it goes.
            drain();
            throw new ClientFault(
                    "failed the TLS handshake " + session.client() + ": " + e.getMessage());
        }
    }

    @Override
    public long receive(SocketVector into) {
        try {
            while (!appIn.hasRemaining()) {
                appIn.clear();
                session.read(appIn);
                appIn.flip();
                if (appIn.hasRemaining() || takeRecord()) {
                    continue;
                }
                if (ended || session.isClosed()) {
                    return 0;
                }
                long result = fill();
                if (result <= 0) {
                    return result;
                }
            }
            return into.copyFrom(appIn);
        } catch (IOException broken) {
            drain();
            return -Errno.EPROTO;
        }
    }

    @Override
    public long send(SocketVector from) {
        if (!drain()) {
            return -Errno.EAGAIN;
        }
        if (ended || session.isClosed()) {
            return -Errno.EPIPE;
        }
        appOut.clear();
        int bytes = from.copyTo(appOut);
        try {
            session.write(appOut.array(), bytes);
        } catch (IOException broken) {
            return -Errno.EPROTO;
        }
        drain();
        return bytes;
    }

    @Override
    public Fd fd() {
        return under.fd();
    }

    @Override
    public boolean hasInput() {
        return appIn.hasRemaining() || session.available() > 0 || recordBytes() > 0;
    }

    @Override
    public boolean drain() {
        while (true) {
            session.output(netOut);
            if (netOut.position() == 0) {
                return true;
            }
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
    }

    @Override
    public void close() {
        try {
            session.close();
            drain();
        } catch (IOException alreadyBroken) {
            ended = true;
        }
        under.close();
    }

    /** Receives once from the socket. */
    private long fill() {
        vector.clear();
        vector.add(netInMemory, netIn.position(), netIn.remaining());
        long result = under.receive(vector);
        if (result > 0) {
            netIn.position(netIn.position() + (int) result);
        } else if (result != -Errno.EAGAIN) {
            ended = true;
        }
        return result;
    }

    /** The size of the record that is there; 0 when it is not whole yet. */
    private int recordBytes() {
        int have = netIn.position();
        if (have < HEADER_BYTES) {
            return 0;
        }
        int bytes = HEADER_BYTES + Short.toUnsignedInt(netIn.getShort(LENGTH_OFFSET));
        // One that is too long is for the session to refuse, by its header.
        return bytes <= have ? bytes : bytes > RECORD_BYTES_MAX ? HEADER_BYTES : 0;
    }

    /** Decrypts one record; false when there is none that is whole. */
    private boolean takeRecord() throws IOException {
        int bytes = recordBytes();
        if (bytes == 0 || session.isClosed()) {
            return false;
        }
        netIn.flip().get(record, 0, bytes);
        netIn.compact();
        session.accept(record, bytes);
        if (!drain() && session.pending() > UNREAD_BYTES_MAX) {
            throw new IOException("the client does not read what it is answered");
        }
        return true;
    }
}
