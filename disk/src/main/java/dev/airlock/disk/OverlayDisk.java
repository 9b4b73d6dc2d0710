package dev.airlock.disk;

import dev.airlock.linux.Fd;
import dev.airlock.linux.Mapping;
import dev.airlock.memory.IoVector;
import java.util.concurrent.locks.StampedLock;

/**
 * A disk that begins as another and keeps every change apart, to be thrown away: the base is never
 * written, and closing forgets the changes.
 *
 * <p>Changes are kept in clusters of 4 KiB, each at its own place in a sparse store as large as the
 * disk; a bitmap says which clusters live there. A cluster once changed stays so. A write that
 * covers a cluster in part copies the rest of it from the base first.
 *
 * <p>Since nothing is meant to outlive it, flush and FUA do nothing.
 */
public final class OverlayDisk extends CheckedDisk {
    private static final int CLUSTER_SHIFT = 12;
    private static final int CLUSTER_BYTES = 1 << CLUSTER_SHIFT;

    private final Disk base;
    private final Disk changes;
    private final DiskLimits limits;
    private final SparseBitmap changed = new SparseBitmap();
    private final AlignedBuffers buffers = new AlignedBuffers();

    /**
     * Keeps a copy from the base from overwriting what somebody else writes to the same cluster.
     * Held exclusively for such a copy, shared by other first writes to a cluster, and not at all
     * where every cluster was changed before. It is held across I/O: a cluster is copied once in
     * its life, and never by a guest that writes whole pages.
     */
    private final StampedLock firstWrites = new StampedLock();

    /**
     * How much of the base shows; beyond it, what was not changed is zero. Shrinks with the disk
     * and never grows.
     */
    private volatile long baseBytes;

    /**
     * @param base owned by the overlay
     * @param changes owned by the overlay: all zeroes, writable, of the same size and sector
     */
    OverlayDisk(Disk base, Disk changes) {
        super(base + " overlay", base.sizeBytes(), base.sectorBytes(), false);
        this.base = base;
        this.changes = changes;
        baseBytes = base.sizeBytes();
        DiskLimits of = changes.limits();
        limits =
                new DiskLimits(
                        of.unmapGranularityBytes() == 0
                                ? 0
                                : Math.max(CLUSTER_BYTES, of.unmapGranularityBytes()),
                        of.unmapMaxBytes(),
                        of.unmapGranularityBytes() != 0,
                        of.writeZeroesMaxBytes(),
                        false);
    }

    /**
     * An overlay over {@code base}, whose changes go to an unnamed file in the directory for
     * temporary files ({@code java.io.tmpdir}).
     *
     * @param base owned by the overlay on success; nobody may write to it meanwhile
     * @throws DiskSpecException if no such file can be made
     */
    public static OverlayDisk over(Disk base) throws DiskSpecException {
        Fd fd = OverlayFile.open();
        try {
            return new OverlayDisk(base, OverlayFile.changes(fd, base));
        } catch (DiskSpecException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    @Override
    public int physicalSectorBytes() {
        return Math.max(base.physicalSectorBytes(), Mapping.PAGE_BYTES);
    }

    @Override
    public DiskLimits limits() {
        return limits;
    }

    @Override
    public boolean mayBlock() {
        return base.mayBlock() || changes.mayBlock();
    }

    @Override
    boolean tryReadSectors(long offset, IoVector into, long bytes) throws DiskException {
        return readRuns(offset, into, bytes, false);
    }

    @Override
    void readSectors(long offset, IoVector into, long bytes) throws DiskException {
        readRuns(offset, into, bytes, true);
    }

    /**
     * Reads run by run of clusters that live in the same place; false if it may not wait and would
     * have to.
     */
    private boolean readRuns(long offset, IoVector into, long bytes, boolean mayWait)
            throws DiskException {
        boolean isChanged = changed.get(offset >>> CLUSTER_SHIFT);
        if (runBytes(offset, bytes, isChanged) == bytes) {
            return readRun(offset, into, isChanged, mayWait);
        }
        AlignedBuffer buffer = mayWait ? buffers.take() : buffers.tryTake();
        if (buffer == null) {
            return false;
        }
        try {
            long done = 0;
            while (done < bytes) {
                long at = offset + done;
                isChanged = changed.get(at >>> CLUSTER_SHIFT);
                long run = runBytes(at, bytes - done, isChanged);
                if (!readRun(at, buffer.slice(into, done, run), isChanged, mayWait)) {
                    return false;
                }
                done += run;
            }
            return true;
        } finally {
            buffers.give(buffer);
        }
    }

    /**
     * Bytes from {@code at} on, at most {@code bytes} and at least a sector, that live in the same
     * place.
     */
    private long runBytes(long at, long bytes, boolean isChanged) {
        long cluster = at >>> CLUSTER_SHIFT;
        long end = at + bytes;
        // The bit may have changed since it was looked at: then the run is the one cluster, read
        // from where it was.
        long next = Math.max(cluster + 1, changed.runEnd(cluster, clusterAfter(end), isChanged));
        long runEnd = Math.min(end, next << CLUSTER_SHIFT);
        long limit = baseBytes;
        return !isChanged && at < limit && limit < runEnd ? limit - at : runEnd - at;
    }

    private boolean readRun(long at, IoVector into, boolean isChanged, boolean mayWait)
            throws DiskException {
        if (!isChanged && at >= baseBytes) {
            into.fill(0, into.totalBytes(), (byte) 0);
            return true;
        }
        Disk disk = isChanged ? changes : base;
        if (!mayWait) {
            return disk.tryRead(at, into);
        }
        disk.read(at, into);
        return true;
    }

    @Override
    void writeSectors(long offset, IoVector from, long bytes, boolean fua) throws DiskException {
        if (isAllChanged(offset, bytes)) {
            changes.write(offset, from, false);
            return;
        }
        long stamp = lockForFirstWrite(offset, bytes);
        try {
            copyEdges(offset, bytes);
            changes.write(offset, from, false);
            markChanged(offset, bytes);
        } finally {
            firstWrites.unlock(stamp);
        }
    }

    @Override
    void flushWrites() {}

    @Override
    void unmapSectors(long offset, long bytes) throws DiskException {
        if (limits.unmapReadsZeroes()) {
            zeroSectors(offset, bytes, true);
        }
    }

    @Override
    void zeroSectors(long offset, long bytes, boolean mayUnmap) throws DiskException {
        if (isAllChanged(offset, bytes)) {
            changes.writeZeroes(offset, bytes, mayUnmap);
            return;
        }
        long stamp = lockForFirstWrite(offset, bytes);
        try {
            copyEdges(offset, bytes);
            changes.writeZeroes(offset, bytes, mayUnmap);
            markChanged(offset, bytes);
        } finally {
            firstWrites.unlock(stamp);
        }
    }

    private boolean isAllChanged(long offset, long bytes) {
        long end = clusterAfter(offset + bytes);
        return changed.runEnd(offset >>> CLUSTER_SHIFT, end, true) == end;
    }

    private void markChanged(long offset, long bytes) {
        long end = clusterAfter(offset + bytes);
        for (long cluster = offset >>> CLUSTER_SHIFT; cluster < end; cluster++) {
            changed.set(cluster);
        }
    }

    private long lockForFirstWrite(long offset, long bytes) {
        boolean copies =
                needsCopy(offset, offset, bytes) || needsCopy(offset + bytes - 1, offset, bytes);
        return copies ? firstWrites.writeLock() : firstWrites.readLock();
    }

    private void copyEdges(long offset, long bytes) throws DiskException {
        if (needsCopy(offset, offset, bytes)) {
            copyFromBase(offset >>> CLUSTER_SHIFT);
        }
        long last = offset + bytes - 1;
        if (needsCopy(last, offset, bytes)) {
            copyFromBase(last >>> CLUSTER_SHIFT);
        }
    }

    /** Whether the cluster at {@code at} lives in the base and the range covers it in part. */
    private boolean needsCopy(long at, long offset, long bytes) {
        long cluster = at >>> CLUSTER_SHIFT;
        boolean whole = offset <= clusterStart(cluster) && clusterEnd(cluster) <= offset + bytes;
        return !whole && !changed.get(cluster);
    }

    private void copyFromBase(long cluster) throws DiskException {
        long start = clusterStart(cluster);
        long bytes = clusterEnd(cluster) - start;
        long inBase = Math.clamp(baseBytes - start, 0, bytes);
        AlignedBuffer buffer = buffers.take();
        try {
            if (inBase > 0) {
                base.read(start, buffer.vector(inBase));
            }
            buffer.memory().asSlice(inBase, bytes - inBase).fill((byte) 0);
            changes.write(start, buffer.vector(bytes), false);
            changed.set(cluster);
        } finally {
            buffers.give(buffer);
        }
    }

    @Override
    void walkExtents(long offset, long bytes, ExtentSink sink) throws DiskException {
        StoppableSink stoppable = new StoppableSink(sink);
        long end = offset + bytes;
        long at = offset;
        while (at < end && !stoppable.stopped) {
            boolean isChanged = changed.get(at >>> CLUSTER_SHIFT);
            long run = runBytes(at, end - at, isChanged);
            if (isChanged) {
                changes.extents(at, run, stoppable);
            } else if (at < baseBytes) {
                base.extents(at, run, stoppable);
            } else {
                stoppable.extent(at, run, false);
            }
            at += run;
        }
    }

    /** Remembers that its sink has had enough. */
    private static final class StoppableSink implements ExtentSink {
        private final ExtentSink sink;
        private boolean stopped;

        StoppableSink(ExtentSink sink) {
            this.sink = sink;
        }

        @Override
        public boolean extent(long offset, long bytes, boolean allocated) {
            stopped = !sink.extent(offset, bytes, allocated);
            return !stopped;
        }
    }

    @Override
    void resizeStore(long oldBytes, long newBytes) throws DiskException {
        changes.resize(newBytes);
        baseBytes = Math.min(baseBytes, newBytes);
    }

    @Override
    void closeStore() {
        base.close();
        changes.close();
        buffers.close();
    }

    private static long clusterStart(long cluster) {
        return cluster << CLUSTER_SHIFT;
    }

    private long clusterEnd(long cluster) {
        return Math.min(sizeBytes(), (cluster + 1) << CLUSTER_SHIFT);
    }

    /** The first cluster that begins at or after {@code offset}. */
    private static long clusterAfter(long offset) {
        return (offset + CLUSTER_BYTES - 1) >>> CLUSTER_SHIFT;
    }
}
