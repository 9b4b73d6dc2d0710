package dev.airlock.disk;

import dev.airlock.memory.IoVector;

/**
 * The part of the contract of {@link Disk} that is the same for every kind: closed, misaligned,
 * read-only and out of range are answered here, so that an implementation sees only requests it has
 * to carry out, never empty ones.
 */
abstract class CheckedDisk implements Disk {
    private final String what;
    private final int sectorBytes;
    private final boolean readOnly;
    private volatile long sizeBytes;
    private volatile boolean closed;

    /**
     * @param what the disk in messages, as {@code name=value}
     */
    CheckedDisk(String what, long sizeBytes, int sectorBytes, boolean readOnly) {
        if (sectorBytes != 512 && sectorBytes != 4096) {
            throw new IllegalArgumentException(
                    "sectorBytes=" + sectorBytes + " is neither 512 nor 4096");
        }
        if (sizeBytes <= 0 || sizeBytes % sectorBytes != 0) {
            throw new IllegalArgumentException(
                    "sizeBytes=" + sizeBytes + " is not a number of sectors of " + sectorBytes);
        }
        this.what = what;
        this.sectorBytes = sectorBytes;
        this.readOnly = readOnly;
        this.sizeBytes = sizeBytes;
    }

    abstract boolean tryReadSectors(long offset, IoVector into, long bytes) throws DiskException;

    abstract void readSectors(long offset, IoVector into, long bytes) throws DiskException;

    abstract void writeSectors(long offset, IoVector from, long bytes, boolean fua)
            throws DiskException;

    abstract void flushWrites() throws DiskException;

    abstract void unmapSectors(long offset, long bytes) throws DiskException;

    abstract void zeroSectors(long offset, long bytes, boolean mayUnmap) throws DiskException;

    abstract void walkExtents(long offset, long bytes, ExtentSink sink) throws DiskException;

    /** Makes the store that size, which is whole sectors. */
    abstract void resizeStore(long oldBytes, long newBytes) throws DiskException;

    /** What size the store has now, where others can change it. */
    long storeBytes() throws DiskException {
        return sizeBytes;
    }

    abstract void closeStore();

    @Override
    public final long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public final int sectorBytes() {
        return sectorBytes;
    }

    @Override
    public final boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public final boolean tryRead(long offset, IoVector into) throws DiskException {
        long bytes = into.totalBytes();
        requireRange(offset, bytes);
        return bytes == 0 || tryReadSectors(offset, into, bytes);
    }

    @Override
    public final void read(long offset, IoVector into) throws DiskException {
        long bytes = into.totalBytes();
        requireRange(offset, bytes);
        if (bytes != 0) {
            readSectors(offset, into, bytes);
        }
    }

    @Override
    public final void write(long offset, IoVector from, boolean fua) throws DiskException {
        requireWritable();
        long bytes = from.totalBytes();
        requireRange(offset, bytes);
        if (bytes != 0) {
            writeSectors(offset, from, bytes, fua);
        }
    }

    @Override
    public final void flush() throws DiskException {
        requireOpen();
        if (!readOnly) {
            flushWrites();
        }
    }

    @Override
    public final void unmap(long offset, long bytes) throws DiskException {
        requireWritable();
        requireRange(offset, bytes);
        if (bytes != 0) {
            unmapSectors(offset, bytes);
        }
    }

    @Override
    public final void writeZeroes(long offset, long bytes, boolean mayUnmap) throws DiskException {
        requireWritable();
        requireRange(offset, bytes);
        if (bytes != 0) {
            zeroSectors(offset, bytes, mayUnmap);
        }
    }

    @Override
    public final void extents(long offset, long bytes, ExtentSink sink) throws DiskException {
        requireRange(offset, bytes);
        if (bytes != 0) {
            walkExtents(offset, bytes, sink);
        }
    }

    @Override
    public final synchronized void resize(long newBytes) throws DiskException {
        requireWritable();
        if (newBytes <= 0 || newBytes % sectorBytes != 0) {
            throw failure(
                    DiskException.Kind.OUT_OF_RANGE,
                    "resize newBytes="
                            + newBytes
                            + " is not a number of sectors: sector="
                            + sectorBytes);
        }
        long oldBytes = sizeBytes;
        if (newBytes == oldBytes) {
            return;
        }
        boolean done = false;
        // No request that comes from now on is beyond a smaller size.
        sizeBytes = Math.min(oldBytes, newBytes);
        try {
            resizeStore(oldBytes, newBytes);
            done = true;
        } finally {
            sizeBytes = done ? newBytes : oldBytes;
        }
    }

    @Override
    public final synchronized boolean rescan() throws DiskException {
        requireOpen();
        long bytes = storeBytes();
        long whole = bytes - bytes % sectorBytes;
        if (whole <= 0) {
            throw failure(DiskException.Kind.OUT_OF_RANGE, "has no sector left: bytes=" + bytes);
        }
        boolean changed = whole != sizeBytes;
        sizeBytes = whole;
        return changed;
    }

    @Override
    public final synchronized void close() {
        if (!closed) {
            closed = true;
            closeStore();
        }
    }

    /** The disk in messages. */
    @Override
    public final String toString() {
        return what;
    }

    final DiskException failure(DiskException.Kind kind, String details) {
        return new DiskException(kind, what + " " + details);
    }

    private void requireRange(long offset, long bytes) throws DiskException {
        requireOpen();
        if (((offset | bytes) & (sectorBytes - 1)) != 0) {
            throw new IllegalArgumentException(
                    what
                            + " offset="
                            + offset
                            + " bytes="
                            + bytes
                            + " are not whole sectors of "
                            + sectorBytes);
        }
        long size = sizeBytes;
        if (offset < 0 || bytes < 0 || offset > size - bytes) {
            throw failure(
                    DiskException.Kind.OUT_OF_RANGE,
                    "offset=" + offset + " bytes=" + bytes + " size=" + size);
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException(what + " is closed");
        }
    }

    private void requireWritable() throws DiskException {
        requireOpen();
        if (readOnly) {
            throw failure(DiskException.Kind.READ_ONLY, "is open for reading only");
        }
    }
}
