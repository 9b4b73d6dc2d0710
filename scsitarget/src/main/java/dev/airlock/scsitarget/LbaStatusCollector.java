package dev.airlock.scsitarget;

import dev.airlock.disk.ExtentSink;
import dev.airlock.scsi.LbaStatus;
import java.lang.foreign.MemorySegment;

/**
 * Turns a disk's extents into the descriptors of GET LBA STATUS: neighbours of the same kind become
 * one, and a block that holds any allocated byte is mapped. For one thread; reused.
 */
final class LbaStatusCollector implements ExtentSink {

    /**
     * Extents looked at before the walk ends, so that a fragmented disk keeps no thread for long.
     */
    private static final int MAX_EXTENTS = 4096;

    private static final long MAX_BLOCKS = 0xFFFF_FFFFL;

    private MemorySegment list = MemorySegment.NULL;
    private int maxDescriptors;
    private int shift;
    private int descriptors;
    private int extents;
    private long runStart;
    private long runEnd;
    private boolean runMapped;

    /** Starts a list at a block; {@code shift} is the binary logarithm of a block's bytes. */
    void begin(MemorySegment into, int descriptorLimit, long lba, int blockShift) {
        list = into;
        maxDescriptors = descriptorLimit;
        shift = blockShift;
        descriptors = 0;
        extents = 0;
        runStart = lba;
        runEnd = lba;
        runMapped = false;
    }

    @Override
    public boolean extent(long offset, long bytes, boolean allocated) {
        long end = offset + bytes;
        long endBlock = allocated ? end + (1L << shift) - 1 >>> shift : end >>> shift;
        if (endBlock > runEnd) {
            if (runEnd > runStart && allocated != runMapped) {
                flushRun();
            }
            runMapped = allocated;
            runEnd = endBlock;
        }
        return ++extents < MAX_EXTENTS && descriptors < maxDescriptors;
    }

    /** Ends the list and writes its header; returns the number of descriptors. */
    int end() {
        if (runEnd > runStart) {
            flushRun();
        }
        LbaStatus.writeHeader(list, 0, descriptors);
        return descriptors;
    }

    private void flushRun() {
        while (runStart < runEnd && descriptors < maxDescriptors) {
            long blocks = Math.min(runEnd - runStart, MAX_BLOCKS);
            int status = runMapped ? LbaStatus.MAPPED : LbaStatus.DEALLOCATED;
            LbaStatus.writeDescriptor(list, 0, descriptors++, runStart, blocks, status);
            runStart += blocks;
        }
        runStart = runEnd;
    }
}
