package dev.airlock.lab.hostile;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Writes wrong values over fields of a packet or message. Stateless. */
final class Spoiler {
    static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Spoiler() {}

    /** Gives a field of 1, 2, 4 or 8 bytes a value other than its own. */
    static void field(MemorySegment segment, long at, int bytes, Dice dice) {
        switch (bytes) {
            case Byte.BYTES -> {
                byte valid = segment.get(ValueLayout.JAVA_BYTE, at);
                segment.set(ValueLayout.JAVA_BYTE, at, (byte) dice.odd(valid, bytes));
            }
            case Short.BYTES -> segment.set(U16, at, (short) dice.odd(segment.get(U16, at), bytes));
            case Integer.BYTES -> segment.set(U32, at, (int) dice.odd(segment.get(U32, at), bytes));
            default -> segment.set(U64, at, dice.odd(segment.get(U64, at), Long.BYTES));
        }
    }

    /** Spoils a field of random width and place, aligned to its width from {@code at}. */
    static void anywhere(MemorySegment segment, long at, int bytes, Dice dice) {
        int width = 1 << dice.below(4);
        while (width > bytes) {
            width >>>= 1;
        }
        field(segment, at + (long) dice.below(bytes / width) * width, width, dice);
    }

    /** Fills with random bytes. */
    static void noise(MemorySegment segment, long at, int bytes, Dice dice) {
        int words = bytes / Long.BYTES;
        for (int i = 0; i < words; i++) {
            segment.set(U64, at + (long) i * Long.BYTES, dice.bits());
        }
        for (int i = words * Long.BYTES; i < bytes; i++) {
            segment.set(ValueLayout.JAVA_BYTE, at + i, (byte) dice.bits());
        }
    }
}
