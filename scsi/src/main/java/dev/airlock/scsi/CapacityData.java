package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * Parameter data of READ CAPACITY (SBC-3 sections 5.15 and 5.16).
 *
 * <pre>
 *  (10): 0 last LBA u32   4 block length u32                                                              8
 *  (16): 0 last LBA u64   8 block length u32   12 protection   13 LBPPBE 3-0   14 LBPME, LBPRZ, lowest aligned LBA   32
 * </pre>
 */
public final class CapacityData {

    public static final int BYTES_10 = 8;
    public static final int BYTES_16 = 32;

    /** Last LBA of READ CAPACITY(10) that means "too large, ask READ CAPACITY(16)". */
    public static final long LAST_LBA_10_TOO_LARGE = 0xFFFF_FFFFL;

    private static final int BLOCK_LENGTH_16_OFFSET = 8;
    private static final int PROTECTION_OFFSET = 12;
    private static final int PHYSICAL_EXPONENT_OFFSET = 13;
    private static final int PROVISIONING_OFFSET = 14;
    private static final int LBPME = 0x80;
    private static final int LBPRZ = 0x40;

    private CapacityData() {}

    public static void write10(MemorySegment data, long at, long lastLba, int blockBytes) {
        BigEndian.u32(data, at, Math.min(lastLba, LAST_LBA_10_TOO_LARGE));
        BigEndian.u32(data, at + 4, blockBytes);
    }

    /**
     * Writes the {@link #BYTES_16} bytes of READ CAPACITY(16).
     *
     * @param physicalExponent binary logarithm of logical blocks per physical block
     * @param managed LBPME: the unit is not fully provisioned, UNMAP is worth sending
     * @param readsZeroes LBPRZ: unmapped blocks read as zeroes
     */
    public static void write16(
            MemorySegment data,
            long at,
            long lastLba,
            int blockBytes,
            int physicalExponent,
            boolean managed,
            boolean readsZeroes) {
        data.asSlice(at, BYTES_16).fill((byte) 0);
        BigEndian.u64(data, at, lastLba);
        BigEndian.u32(data, at + BLOCK_LENGTH_16_OFFSET, blockBytes);
        BigEndian.u8(data, at + PHYSICAL_EXPONENT_OFFSET, physicalExponent);
        BigEndian.u8(
                data, at + PROVISIONING_OFFSET, (managed ? LBPME : 0) | (readsZeroes ? LBPRZ : 0));
    }

    public static long lastLba10(MemorySegment data, long at) {
        return BigEndian.u32(data, at);
    }

    /** Bytes of a block; 32 bits, unsigned. */
    public static long blockBytes10(MemorySegment data, long at) {
        return BigEndian.u32(data, at + 4);
    }

    /** Last LBA; 64 bits, unsigned. */
    public static long lastLba16(MemorySegment data, long at) {
        return BigEndian.u64(data, at);
    }

    /** Bytes of a block; 32 bits, unsigned. */
    public static long blockBytes16(MemorySegment data, long at) {
        return BigEndian.u32(data, at + BLOCK_LENGTH_16_OFFSET);
    }

    public static boolean hasProtection(MemorySegment data, long at) {
        return (BigEndian.u8(data, at + PROTECTION_OFFSET) & 1) != 0;
    }

    public static int physicalExponent(MemorySegment data, long at) {
        return BigEndian.u8(data, at + PHYSICAL_EXPONENT_OFFSET) & 0x0F;
    }

    public static boolean isManaged(MemorySegment data, long at) {
        return (BigEndian.u8(data, at + PROVISIONING_OFFSET) & LBPME) != 0;
    }

    public static boolean readsZeroes(MemorySegment data, long at) {
        return (BigEndian.u8(data, at + PROVISIONING_OFFSET) & LBPRZ) != 0;
    }
}
