package dev.airlock.vmbus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A GUID as it lies in memory: first group u32, second and third u16, all little endian, then 8
 * bytes in order. Source: Linux {@code include/linux/uuid.h}, {@code guid_t}.
 *
 * @param low first 8 bytes as a little-endian word
 * @param high last 8 bytes as a little-endian word
 */
public record Guid(long low, long high) {
    /** Size in memory. */
    public static final int BYTES = 2 * Long.BYTES;

    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final Pattern TEXT =
            Pattern.compile(
                    "(\\p{XDigit}{8})-(\\p{XDigit}{4})-(\\p{XDigit}{4})"
                            + "-(\\p{XDigit}{4})-(\\p{XDigit}{12})");

    /** Reads a GUID. Any 16 bytes are one. */
    public static Guid decode(MemorySegment from, long at) {
        return new Guid(from.get(U64, at), from.get(U64, at + Long.BYTES));
    }

    /** Writes the 16 bytes. */
    public void encode(MemorySegment to, long at) {
        to.set(U64, at, low);
        to.set(U64, at + Long.BYTES, high);
    }

    /**
     * Parses {@code xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}.
     *
     * @throws IllegalArgumentException for any other form
     */
    public static Guid parse(String text) {
        Matcher m = TEXT.matcher(text);
        if (!m.matches()) {
            throw new IllegalArgumentException("not a GUID: text=" + text);
        }
        long low =
                group(m, 1)
                        | group(m, 2) << Integer.SIZE
                        | group(m, 3) << Integer.SIZE + Short.SIZE;
        long high = Long.reverseBytes(group(m, 4) << 3 * Short.SIZE | group(m, 5));
        return new Guid(low, high);
    }

    @Override
    public String toString() {
        long tail = Long.reverseBytes(high);
        return "%08x-%04x-%04x-%04x-%012x"
                .formatted(
                        low & 0xFFFF_FFFFL,
                        low >>> Integer.SIZE & 0xFFFF,
                        low >>> Integer.SIZE + Short.SIZE,
                        tail >>> 3 * Short.SIZE,
                        tail & 0xFFFF_FFFF_FFFFL);
    }

    private static long group(Matcher m, int index) {
        return Long.parseUnsignedLong(m.group(index), 16);
    }
}
