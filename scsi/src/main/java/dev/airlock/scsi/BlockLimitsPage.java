package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * VPD page B0h, block limits (SBC-3 section 6.5.3). Counts are in logical blocks; 0 mostly means
 * "no limit told".
 *
 * <pre>
 *   4 WSNZ   5 max compare and write   6 optimal granularity u16   8 max transfer u32   12 optimal transfer u32
 *   16 max prefetch u32   20 max unmap LBAs u32   24 max unmap descriptors u32   28 optimal unmap granularity u32
 *   32 UGAVALID, unmap granularity alignment u32   36 max write same u64   44 reserved                        64
 * </pre>
 */
public final class BlockLimitsPage {

    public static final int WSNZ_OFFSET = 4;
    public static final int OPTIMAL_GRANULARITY_OFFSET = 6;
    public static final int MAX_TRANSFER_OFFSET = 8;
    public static final int OPTIMAL_TRANSFER_OFFSET = 12;
    public static final int MAX_UNMAP_LBAS_OFFSET = 20;
    public static final int MAX_UNMAP_DESCRIPTORS_OFFSET = 24;
    public static final int UNMAP_GRANULARITY_OFFSET = 28;
    public static final int UNMAP_ALIGNMENT_OFFSET = 32;
    public static final int MAX_WRITE_SAME_OFFSET = 36;
    public static final int BYTES = 64;

    private static final int WSNZ = 0x01;
    private static final long UGAVALID = 0x8000_0000L;

    private BlockLimitsPage() {}

    /** Writes a zeroed page with its header. */
    public static void clear(MemorySegment page, long at) {
        page.asSlice(at, BYTES).fill((byte) 0);
        VpdPage.writeHeader(page, at, VpdPage.BLOCK_LIMITS, BYTES);
    }

    /** Limits of READ, WRITE and VERIFY; {@code granularity} is the physical block. */
    public static void transfer(
            MemorySegment page, long at, int granularity, long maxBlocks, long optimalBlocks) {
        BigEndian.u16(page, at + OPTIMAL_GRANULARITY_OFFSET, granularity);
        BigEndian.u32(page, at + MAX_TRANSFER_OFFSET, maxBlocks);
        BigEndian.u32(page, at + OPTIMAL_TRANSFER_OFFSET, optimalBlocks);
    }

    /** Limits of UNMAP: blocks in all, descriptors, and the granularity, aligned to LBA 0. */
    public static void unmap(
            MemorySegment page, long at, long maxLbas, long maxDescriptors, long granularity) {
        BigEndian.u32(page, at + MAX_UNMAP_LBAS_OFFSET, maxLbas);
        BigEndian.u32(page, at + MAX_UNMAP_DESCRIPTORS_OFFSET, maxDescriptors);
        BigEndian.u32(page, at + UNMAP_GRANULARITY_OFFSET, granularity);
        BigEndian.u32(page, at + UNMAP_ALIGNMENT_OFFSET, UGAVALID);
    }

    /** Limits of WRITE SAME; {@code nonZero}: a length of zero is refused. */
    public static void writeSame(MemorySegment page, long at, long maxBlocks, boolean nonZero) {
        BigEndian.u64(page, at + MAX_WRITE_SAME_OFFSET, maxBlocks);
        BigEndian.u8(page, at + WSNZ_OFFSET, nonZero ? WSNZ : 0);
    }

    public static long maxTransferBlocks(MemorySegment page, long at) {
        return BigEndian.u32(page, at + MAX_TRANSFER_OFFSET);
    }

    public static long optimalTransferBlocks(MemorySegment page, long at) {
        return BigEndian.u32(page, at + OPTIMAL_TRANSFER_OFFSET);
    }

    public static int optimalGranularityBlocks(MemorySegment page, long at) {
        return BigEndian.u16(page, at + OPTIMAL_GRANULARITY_OFFSET);
    }

    public static long maxUnmapLbas(MemorySegment page, long at) {
        return BigEndian.u32(page, at + MAX_UNMAP_LBAS_OFFSET);
    }

    public static long maxUnmapDescriptors(MemorySegment page, long at) {
        return BigEndian.u32(page, at + MAX_UNMAP_DESCRIPTORS_OFFSET);
    }

    public static long unmapGranularityBlocks(MemorySegment page, long at) {
        return BigEndian.u32(page, at + UNMAP_GRANULARITY_OFFSET);
    }

    /** First LBA that begins a granule of UNMAP; 0 when the page does not say. */
    public static long unmapAlignment(MemorySegment page, long at) {
        long field = BigEndian.u32(page, at + UNMAP_ALIGNMENT_OFFSET);
        return (field & UGAVALID) != 0 ? field & ~UGAVALID : 0;
    }

    /** MAXIMUM WRITE SAME LENGTH; 64 bits, unsigned. */
    public static long maxWriteSameBlocks(MemorySegment page, long at) {
        return BigEndian.u64(page, at + MAX_WRITE_SAME_OFFSET);
    }

    public static boolean isWriteSameNonZero(MemorySegment page, long at) {
        return (BigEndian.u8(page, at + WSNZ_OFFSET) & WSNZ) != 0;
    }
}
