package dev.airlock.disk;

import dev.airlock.memory.IoVector;

/**
 * A disk that completes without touching data, to measure everything but the disk. A read leaves
 * the caller's memory as it is, so it is of no other use; in particular it does not read zeroes.
 */
public final class NullDisk extends CheckedDisk {
    private static final DiskLimits LIMITS = new DiskLimits(4096, 1L << 40, false, 1L << 40, false);

    /** A disk of that size in whole sectors of 512 or 4096 bytes. */
    public NullDisk(long sizeBytes, int sectorBytes, boolean readOnly) {
        super("disk=null:" + ByteSize.format(sizeBytes), sizeBytes, sectorBytes, readOnly);
    }

    @Override
    public int physicalSectorBytes() {
        return 4096;
    }

    @Override
    public DiskLimits limits() {
        return LIMITS;
    }

    @Override
    public boolean mayBlock() {
        return false;
    }

    @Override
    boolean tryReadSectors(long offset, IoVector into, long bytes) {
        return true;
    }

    @Override
    void readSectors(long offset, IoVector into, long bytes) {}

    @Override
    void writeSectors(long offset, IoVector from, long bytes, boolean fua) {}

    @Override
    void flushWrites() {}

    @Override
    void unmapSectors(long offset, long bytes) {}

    @Override
    void zeroSectors(long offset, long bytes, boolean mayUnmap) {}

    @Override
    void walkExtents(long offset, long bytes, ExtentSink sink) {
        sink.extent(offset, bytes, true);
    }

    @Override
    void resizeStore(long oldBytes, long newBytes) {}

    @Override
    void closeStore() {}
}
