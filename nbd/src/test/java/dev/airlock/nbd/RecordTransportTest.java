package dev.airlock.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.Errno;
import dev.airlock.linux.Fd;
import dev.airlock.linux.SocketVector;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** Records in, records out, and what a client is not allowed to pile up. */
class RecordTransportTest {
    private final Wire wire = new Wire();
    private final PlainSession session = new PlainSession();
    private final RecordTransport transport = new RecordTransport(wire, session);
    private final MemorySegment memory = Arena.ofAuto().allocate(1 << 20);

    @Test
    void shouldTellOfInputThatTheSocketDoesNotHaveAnyMore() {
        wire.in.put(record("one")).put(record("two")).put(record("three"), 0, 6);
        assertThat(receive()).isEqualTo("one");
        assertThat(transport.hasInput()).isTrue();
        assertThat(receive()).isEqualTo("two");
        assertThat(transport.hasInput()).isFalse();
        assertThat(transport.receive(vector(100))).isEqualTo(-Errno.EAGAIN);
        wire.in.put(record("three"), 6, 4);
        assertThat(receive()).isEqualTo("three");
    }

    @Test
    void shouldGiveTheSessionOnlyTheHeaderOfARecordThatIsTooLong() {
        wire.in.put(new byte[] {23, 3, 3, (byte) 0xff, (byte) 0xff, 1, 2, 3});
        session.isBroken = true;
        assertThat(transport.receive(vector(100))).isEqualTo(-Errno.EPROTO);
        assertThat(session.accepted).isEqualTo(5);
    }

    @Test
    void shouldKeepWhatTheSocketHasNoRoomForAndTakeNoMore() {
        wire.room = 10;
        assertThat(transport.send(vector(100))).isEqualTo(100);
        assertThat(wire.out.position()).isEqualTo(10);
        assertThat(transport.drain()).isFalse();
        assertThat(transport.send(vector(1))).isEqualTo(-Errno.EAGAIN);
        wire.room = Integer.MAX_VALUE;
        assertThat(transport.drain()).isTrue();
        assertThat(wire.out.position()).isEqualTo(100);
    }

    @Test
    void shouldEndAClientThatNeverReadsItsAnswers() {
        wire.room = 0;
        session.answerBytes = 1000;
        long result = -Errno.EAGAIN;
        int records = 0;
        while (result == -Errno.EAGAIN && records < 1_000_000) {
            wire.in.put(record(""));
            records++;
            result = transport.receive(vector(100));
        }
        assertThat(result).isEqualTo(-Errno.EPROTO);
        assertThat(session.toSend.position()).isLessThan(1 << 18);
    }

    private SocketVector vector(int bytes) {
        SocketVector vector = new SocketVector(1);
        vector.add(memory, 0, bytes);
        return vector;
    }

    private String receive() {
        int bytes = (int) transport.receive(vector(100));
        return new String(memory.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE), UTF_8);
    }

    private static byte[] record(String data) {
        byte[] bytes = data.getBytes(UTF_8);
        return ByteBuffer.allocate(5 + bytes.length)
                .put((byte) 23)
                .putShort((short) 0x303)
                .putShort((short) bytes.length)
                .put(bytes)
                .array();
    }

    /** Encrypts nothing. */
    private static final class PlainSession implements TlsSession {
        final ByteBuffer decrypted = ByteBuffer.allocate(1 << 20);
        final ByteBuffer toSend = ByteBuffer.allocate(1 << 20);
        int answerBytes;
        int accepted;
        boolean isBroken;

        @Override
        public void accept(byte[] record, int bytes) throws IOException {
            accepted += bytes;
            if (isBroken) {
                throw new IOException("broken");
            }
            decrypted.put(record, 5, bytes - 5);
            toSend.put(new byte[answerBytes]);
        }

        @Override
        public int available() {
            return decrypted.position();
        }

        @Override
        public void read(ByteBuffer into) {
            move(decrypted, into);
        }

        @Override
        public void write(byte[] data, int bytes) {
            toSend.put(data, 0, bytes);
        }

        @Override
        public int pending() {
            return toSend.position();
        }

        @Override
        public void output(ByteBuffer into) {
            move(toSend, into);
        }

        @Override
        public boolean isHandshaking() {
            return false;
        }

        @Override
        public boolean isClosed() {
            return false;
        }

        @Override
        public void close() {}

        @Override
        public String client() {
            return "as nobody";
        }
    }

    /** A socket with bytes that came, and room for so many to go. */
    private static final class Wire implements Transport {
        final ByteBuffer in = ByteBuffer.allocate(1 << 20);
        final ByteBuffer out = ByteBuffer.allocate(1 << 20);
        int room = Integer.MAX_VALUE;

        @Override
        public long receive(SocketVector into) {
            if (in.position() == 0) {
                return -Errno.EAGAIN;
            }
            in.flip();
            int bytes = into.copyFrom(in);
            in.compact();
            return bytes;
        }

        @Override
        public long send(SocketVector from) {
            if (room == 0) {
                return -Errno.EAGAIN;
            }
            out.limit((int) Math.min(out.capacity(), (long) out.position() + room));
            int bytes = from.copyTo(out);
            room -= bytes;
            return bytes;
        }

        @Override
        public Fd fd() {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean hasInput() {
            return false;
        }

        @Override
        public boolean drain() {
            return true;
        }

        @Override
        public void close() {}
    }

    private static void move(ByteBuffer from, ByteBuffer into) {
        from.flip();
        while (from.hasRemaining() && into.hasRemaining()) {
            into.put(from.get());
        }
        from.compact();
    }
}
