package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Little-endian fields of private copies, at any alignment. */
final class Fields {
    static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Fields() {}

    static int u8(MemorySegment from, long at) {
        return Byte.toUnsignedInt(from.get(ValueLayout.JAVA_BYTE, at));
    }

    static void putU8(MemorySegment to, long at, int value) {
        to.set(ValueLayout.JAVA_BYTE, at, (byte) value);
    }

    static int u16(MemorySegment from, long at) {
        return Short.toUnsignedInt(from.get(U16, at));
    }

    static void putU16(MemorySegment to, long at, int value) {
        to.set(U16, at, (short) value);
    }

    static int u32(MemorySegment from, long at) {
        return from.get(U32, at);
    }

    static void putU32(MemorySegment to, long at, int value) {
        to.set(U32, at, value);
    }

    static long u64(MemorySegment from, long at) {
        return from.get(U64, at);
    }

    static void putU64(MemorySegment to, long at, long value) {
        to.set(U64, at, value);
    }

    /** An id as people read it. */
    static String id(int u32) {
        return Integer.toUnsignedString(u32);
    }

    static String hex(int u32) {
        return "0x" + Integer.toHexString(u32);
    }
}
