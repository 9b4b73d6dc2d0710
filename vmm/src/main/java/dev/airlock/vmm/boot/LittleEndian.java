package dev.airlock.vmm.boot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Unaligned little-endian access to the structures of the boot protocol. */
final class LittleEndian {

    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private LittleEndian() {}

    static int u8(MemorySegment segment, long at) {
        return segment.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
    }

    static void u8(MemorySegment segment, long at, int value) {
        segment.set(ValueLayout.JAVA_BYTE, at, (byte) value);
    }

    static int u16(MemorySegment segment, long at) {
        return segment.get(U16, at) & 0xFFFF;
    }

    static long u32(MemorySegment segment, long at) {
        return segment.get(U32, at) & 0xFFFF_FFFFL;
    }

    static void u32(MemorySegment segment, long at, long value) {
        segment.set(U32, at, (int) value);
    }

    static long i64(MemorySegment segment, long at) {
        return segment.get(U64, at);
    }

    static void i64(MemorySegment segment, long at, long value) {
        segment.set(U64, at, value);
    }
}
