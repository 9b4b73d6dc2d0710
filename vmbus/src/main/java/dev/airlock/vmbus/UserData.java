package dev.airlock.vmbus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * The 120 bytes that offers and open requests carry for the device's own use. Source: Linux {@code
 * include/linux/hyperv.h}, {@code MAX_USER_DEFINED_BYTES}. Immutable.
 */
public final class UserData {
    /** Size in memory. */
    public static final int BYTES = 120;

    /** All zero. */
    public static final UserData NONE = new UserData(new byte[BYTES]);

    private final byte[] bytes;

    private UserData(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * @param bytes at most {@link #BYTES}; the rest is zero
     */
    public static UserData of(byte[] bytes) {
        if (bytes.length > BYTES) {
            throw new IllegalArgumentException("user data too long: bytes=" + bytes.length);
        }
        return new UserData(Arrays.copyOf(bytes, BYTES));
    }

    /** Reads {@link #BYTES} bytes. */
    public static UserData decode(MemorySegment from, long at) {
        return new UserData(from.asSlice(at, BYTES).toArray(ValueLayout.JAVA_BYTE));
    }

    /** Writes {@link #BYTES} bytes. */
    public void encode(MemorySegment to, long at) {
        MemorySegment.copy(bytes, 0, to, ValueLayout.JAVA_BYTE, at, BYTES);
    }

    /** A copy of the bytes. */
    public byte[] toArray() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof UserData o && Arrays.equals(bytes, o.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Hex without trailing zeros, {@code -} when all are zero. */
    @Override
    public String toString() {
        int end = BYTES;
        while (end > 0 && bytes[end - 1] == 0) {
            end--;
        }
        return end == 0 ? "-" : HexFormat.of().formatHex(bytes, 0, end);
    }
}
