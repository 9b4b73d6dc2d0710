package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.scsi.ScsiCommand;

/**
 * Blocks and limits of a unit: what VPD page B0h announces and every command enforces. Constant but
 * for the capacity, which is the disk's at the moment.
 */
final class BlockGeometry {

    /** Most descriptors of one UNMAP. */
    static final int MAX_UNMAP_DESCRIPTORS = 256;

    /** Longest range that commands without a transfer work on, on the thread that must not wait. */
    static final long INLINE_RANGE_BYTES = 1L << 20;

    /** Most blocks of one UNMAP, whatever the disk can do; initiators take more for "no limit". */
    private static final long MAX_UNMAP_BLOCKS = 1L << 20;

    /** Longest WRITE SAME: bounds how long a pattern that is not zero keeps a thread. */
    private static final long MAX_WRITE_SAME_BYTES = 64L << 20;

    private final Disk disk;
    private final int shift;
    private final long maxTransferBlocks;
    private final long maxWriteSameBlocks;
    private final long maxUnmapBlocks;
    private final long unmapGranularityBlocks;

    BlockGeometry(Disk disk, int maxTransferBytes) {
        this.disk = disk;
        int blockBytes = disk.sectorBytes();
        if (blockBytes != 512 && blockBytes != 4096) {
            throw new IllegalArgumentException("sectorBytes=" + blockBytes);
        }
        shift = Integer.numberOfTrailingZeros(blockBytes);
        maxTransferBlocks = maxTransferBytes >> shift;
        var limits = disk.limits();
        maxWriteSameBlocks =
                Math.max(1, Math.min(limits.writeZeroesMaxBytes(), MAX_WRITE_SAME_BYTES) >> shift);
        boolean unmaps = limits.unmapGranularityBytes() != 0;
        maxUnmapBlocks =
                unmaps
                        ? Math.max(1, Math.min(limits.unmapMaxBytes() >> shift, MAX_UNMAP_BLOCKS))
                        : 0;
        unmapGranularityBlocks = unmaps ? Math.max(1, limits.unmapGranularityBytes() >> shift) : 0;
    }

    int blockBytes() {
        return 1 << shift;
    }

    int shift() {
        return shift;
    }

    /** Number of blocks. */
    long blocks() {
        return disk.sizeBytes() >> shift;
    }

    /** Last LBA; that of an empty disk is 0, since SCSI cannot say "none". */
    long lastLba() {
        return Math.max(0, blocks() - 1);
    }

    long bytes(long blocks) {
        return blocks << shift;
    }

    /** Binary logarithm of blocks per physical block. */
    int physicalExponent() {
        int exponent = Integer.numberOfTrailingZeros(disk.physicalSectorBytes()) - shift;
        return Math.clamp(exponent, 0, 0x0F);
    }

    long maxTransferBlocks() {
        return maxTransferBlocks;
    }

    long maxWriteSameBlocks() {
        return maxWriteSameBlocks;
    }

    /** 0 when the disk cannot unmap. */
    long maxUnmapBlocks() {
        return maxUnmapBlocks;
    }

    long unmapGranularityBlocks() {
        return unmapGranularityBlocks;
    }

    boolean canUnmap() {
        return maxUnmapBlocks != 0;
    }

    boolean unmapReadsZeroes() {
        return disk.limits().unmapReadsZeroes();
    }

    /** Whether blocks lie within the unit: none at the very end do. */
    boolean contains(long lba, long count) {
        long capacity = blocks();
        return Long.compareUnsigned(lba, capacity) <= 0 && count <= capacity - lba;
    }

    /**
     * Checks the range of a command against capacity and a limit of its length field; sets sense
     * data if it does not hold.
     */
    boolean check(ScsiTask task, ScsiCommand command, long lba, long count, long maxCount) {
        if (!contains(lba, count)) {
            task.outOfRange();
            return false;
        }
        if (count > maxCount) {
            task.invalidField(command.countAt(), -1);
            return false;
        }
        return true;
    }
}
