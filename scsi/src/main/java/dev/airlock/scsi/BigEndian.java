package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Unaligned big-endian access: the byte order of every multi-byte SCSI field (SPC-4 section 3.7.2).
 * Unsigned values of up to 24 bits come back as {@code int}, 32 bits as {@code long}; a 64-bit
 * value keeps its bits and is to be compared unsigned.
 */
public final class BigEndian {

    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private BigEndian() {}

    public static int u8(MemorySegment segment, long at) {
        return segment.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
    }

    public static void u8(MemorySegment segment, long at, int value) {
        segment.set(ValueLayout.JAVA_BYTE, at, (byte) value);
    }

    public static int u16(MemorySegment segment, long at) {
        return segment.get(U16, at) & 0xFFFF;
    }

    public static void u16(MemorySegment segment, long at, int value) {
        segment.set(U16, at, (short) value);
    }

    public static int u24(MemorySegment segment, long at) {
        return u8(segment, at) << 16 | u16(segment, at + 1);
    }

    public static void u24(MemorySegment segment, long at, int value) {
        u8(segment, at, value >>> 16);
        u16(segment, at + 1, value);
    }

    public static long u32(MemorySegment segment, long at) {
        return segment.get(U32, at) & 0xFFFF_FFFFL;
    }

    public static void u32(MemorySegment segment, long at, long value) {
        segment.set(U32, at, (int) value);
    }

    public static long u64(MemorySegment segment, long at) {
        return segment.get(U64, at);
    }

    public static void u64(MemorySegment segment, long at, long value) {
        segment.set(U64, at, value);
    }

    /** A field of 1, 2, 3, 4 or 8 bytes. */
    static long field(MemorySegment segment, long at, int bytes) {
        return switch (bytes) {
            case 1 -> u8(segment, at);
            case 2 -> u16(segment, at);
            case 3 -> u24(segment, at);
            case 4 -> u32(segment, at);
            case 8 -> u64(segment, at);
            default -> throw new IllegalArgumentException("bytes=" + bytes);
        };
    }

    /** Sets a field of 1, 2, 3, 4 or 8 bytes. */
    static void field(MemorySegment segment, long at, int bytes, long value) {
        switch (bytes) {
            case 1 -> u8(segment, at, (int) value);
            case 2 -> u16(segment, at, (int) value);
            case 3 -> u24(segment, at, (int) value);
            case 4 -> u32(segment, at, value);
            case 8 -> u64(segment, at, value);
            default -> throw new IllegalArgumentException("bytes=" + bytes);
        }
    }
}
