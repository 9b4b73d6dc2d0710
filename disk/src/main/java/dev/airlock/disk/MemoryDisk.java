package dev.airlock.disk;

import dev.airlock.disk.DiskException.Kind;
import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.Memfd;
import dev.airlock.memory.IoVector;
import java.util.Arrays;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/**
 * A sparse disk in memory outside the Java heap. Never written sectors read as zeroes and take no
 * memory; unmap gives memory back; close frees all of it. Nothing survives the process, so flush
 * has nothing to do.
 *
 * <p>Reads and writes of the same chunk of 64 KiB exclude each other, so that a reader sees a write
 * in that chunk whole or not at all. A larger request is made of such chunks.
 */
public final class MemoryDisk extends CheckedDisk {
    /** The largest size: 16 TiB. */
    public static final long SIZE_BYTES_MAX = 1L << 44;

    private static final int CHUNK_SHIFT = 16;
    private static final long CHUNK_BYTES = 1L << CHUNK_SHIFT;

    /** Address space and a memory file are taken a window at a time. */
    private static final int WINDOW_SHIFT = 30;

    private static final long WINDOW_BYTES = 1L << WINDOW_SHIFT;

    private static final int LOCKS = 64;

    /** Limits the time of one request; memory is zeroed at some GiB a second. */
    private static final DiskLimits LIMITS =
            new DiskLimits(CHUNK_BYTES, 1L << 30, true, 64L << 20, false);

    private final SparseBitmap allocated = new SparseBitmap();
    private final StampedLock[] locks = new StampedLock[LOCKS];
    private volatile @Nullable Window[] windows = new @Nullable Window[0];

    private record Window(Fd memfd, Mapping mapping) {}

    /** An empty disk of that size in whole sectors of 512 or 4096 bytes. */
    public MemoryDisk(long sizeBytes, int sectorBytes, boolean readOnly) {
        super("disk=mem:" + ByteSize.format(sizeBytes), sizeBytes, sectorBytes, readOnly);
        if (sizeBytes > SIZE_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "sizeBytes=" + sizeBytes + " is above " + SIZE_BYTES_MAX);
        }
        Arrays.setAll(locks, i -> new StampedLock());
    }

    @Override
    public int physicalSectorBytes() {
        return Mapping.PAGE_BYTES;
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
    boolean tryReadSectors(long offset, IoVector into, long bytes) throws DiskException {
        readSectors(offset, into, bytes);
        return true;
    }

    @Override
    void readSectors(long offset, IoVector into, long bytes) throws DiskException {
        long done = 0;
        while (done < bytes) {
            long at = offset + done;
            long piece = Math.min(bytes - done, chunkRest(at));
            StampedLock lock = lock(at);
            long stamp = lock.readLock();
            try {
                if (allocated.get(at >>> CHUNK_SHIFT)) {
                    into.copyFrom(done, window(at).mapping.segment(), inWindow(at), piece);
                } else {
                    into.fill(done, piece, (byte) 0);
                }
            } finally {
                lock.unlockRead(stamp);
            }
            done += piece;
        }
    }

    @Override
    void writeSectors(long offset, IoVector from, long bytes, boolean fua) throws DiskException {
        long done = 0;
        while (done < bytes) {
            long at = offset + done;
            long piece = Math.min(bytes - done, chunkRest(at));
            Window window = window(at);
            StampedLock lock = lock(at);
            long stamp = lock.writeLock();
            try {
                // First the bit: a copy cut short by an exception must not leave data where the
                // disk claims to have none.
                allocated.set(at >>> CHUNK_SHIFT);
                from.copyTo(done, window.mapping.segment(), inWindow(at), piece);
            } finally {
                lock.unlockWrite(stamp);
            }
            done += piece;
        }
    }

    @Override
    void flushWrites() {}

    @Override
    void unmapSectors(long offset, long bytes) throws DiskException {
        zeroSectors(offset, bytes, true);
    }

    /** Chunks without memory are zero as they are, so none is allocated either way. */
    @Override
    void zeroSectors(long offset, long bytes, boolean mayUnmap) throws DiskException {
        long end = offset + bytes;
        long at = offset;
        while (at < end) {
            long chunk = at >>> CHUNK_SHIFT;
            if (!allocated.get(chunk)) {
                long next = allocated.runEnd(chunk, (end + CHUNK_BYTES - 1) >>> CHUNK_SHIFT, false);
                at = next << CHUNK_SHIFT;
                continue;
            }
            long piece = Math.min(end - at, chunkRest(at));
            zeroInChunk(at, piece, mayUnmap && piece == CHUNK_BYTES);
            at += piece;
        }
    }

    private void zeroInChunk(long at, long bytes, boolean free) throws DiskException {
        Window window = window(at);
        StampedLock lock = lock(at);
        long stamp = lock.writeLock();
        try {
            if (!allocated.get(at >>> CHUNK_SHIFT)) {
                return;
            }
            if (free) {
                int mode = FileIo.FALLOC_FL_PUNCH_HOLE | FileIo.FALLOC_FL_KEEP_SIZE;
                FileIo.fallocate(window.memfd, mode, inWindow(at), bytes);
                allocated.clear(at >>> CHUNK_SHIFT);
            } else {
                window.mapping.segment().asSlice(inWindow(at), bytes).fill((byte) 0);
            }
        } catch (LinuxException e) {
            throw new DiskException(
                    Kind.IO, this + " unmap offset=" + at + " " + e.getMessage(), e);
        } finally {
            lock.unlockWrite(stamp);
        }
    }

    @Override
    void walkExtents(long offset, long bytes, ExtentSink sink) {
        long end = offset + bytes;
        long chunksEnd = (end + CHUNK_BYTES - 1) >>> CHUNK_SHIFT;
        long at = offset;
        while (at < end) {
            long chunk = at >>> CHUNK_SHIFT;
            boolean isAllocated = allocated.get(chunk);
            long next = Math.max(chunk + 1, allocated.runEnd(chunk, chunksEnd, isAllocated));
            long to = Math.min(end, next << CHUNK_SHIFT);
            if (!sink.extent(at, to - at, isAllocated)) {
                return;
            }
            at = to;
        }
    }

    @Override
    void resizeStore(long oldBytes, long newBytes) throws DiskException {
        if (newBytes > SIZE_BYTES_MAX) {
            throw failure(
                    Kind.OUT_OF_RANGE,
                    "resize newBytes=" + newBytes + " is above max=" + SIZE_BYTES_MAX);
        }
        if (newBytes < oldBytes) {
            zeroSectors(newBytes, oldBytes - newBytes, true);
        }
    }

    @Override
    void closeStore() {
        for (Window window : windows) {
            if (window != null) {
                window.mapping.close();
                window.memfd.close();
            }
        }
    }

    private StampedLock lock(long at) {
        return locks[(int) (at >>> CHUNK_SHIFT) & (LOCKS - 1)];
    }

    private Window window(long at) throws DiskException {
        @Nullable Window[] all = windows;
        int index = (int) (at >>> WINDOW_SHIFT);
        Window window = index < all.length ? all[index] : null;
        return window != null ? window : makeWindow(index);
    }

    private synchronized Window makeWindow(int index) throws DiskException {
        @Nullable Window[] all = windows;
        Window window = index < all.length ? all[index] : null;
        if (window == null) {
            window = newWindow();
            @Nullable Window[] grown = Arrays.copyOf(all, Math.max(all.length, index + 1));
            grown[index] = window;
            windows = grown;
        }
        return window;
    }

    private Window newWindow() throws DiskException {
        try {
            Fd memfd = Memfd.create("airlock-disk", WINDOW_BYTES);
            try {
                return new Window(memfd, Mapping.shared(memfd, 0, WINDOW_BYTES));
            } catch (LinuxException e) {
                memfd.close();
                throw e;
            }
        } catch (LinuxException e) {
            throw new DiskException(
                    Kind.NO_SPACE, this + " has no memory for more data: " + e.getMessage(), e);
        }
    }

    private static long inWindow(long at) {
        return at & (WINDOW_BYTES - 1);
    }

    private static long chunkRest(long at) {
        return CHUNK_BYTES - (at & (CHUNK_BYTES - 1));
    }
}
