package dev.airlock.lab.trace;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;

/** Little-endian bytes, written one after the other. */
final class Bytes {
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

    Bytes u8(int... values) {
        for (int value : values) {
            buffer.put((byte) value);
        }
        return this;
    }

    Bytes u16(int... values) {
        for (int value : values) {
            buffer.putShort((short) value);
        }
        return this;
    }

    Bytes u32(long... values) {
        for (long value : values) {
            buffer.putInt((int) value);
        }
        return this;
    }

    Bytes u64(long... values) {
        for (long value : values) {
            buffer.putLong(value);
        }
        return this;
    }

    Bytes zeros(int count) {
        buffer.put(new byte[count]);
        return this;
    }

    Bytes hex(String digits) {
        buffer.put(HexFormat.of().parseHex(digits));
        return this;
    }

    Bytes put(byte[] bytes) {
        buffer.put(bytes);
        return this;
    }

    byte[] toArray() {
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    String toHex() {
        return HexFormat.of().formatHex(buffer.array(), 0, buffer.position());
    }
}
