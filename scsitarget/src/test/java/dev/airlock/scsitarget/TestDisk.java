package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.disk.DiskLimits;
import dev.airlock.disk.ExtentSink;
import dev.airlock.memory.IoVector;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory whose properties and failures a test sets, and which records what it was asked.
 */
final class TestDisk implements Disk {

    final MemorySegment bytes;
    private final int sectorBytes;
    private boolean[] allocated;
    private long size;

    int physicalBytes = 4096;
    boolean readOnly;
    boolean mayBlock;
    boolean tryReads = true;
    DiskLimits limits = new DiskLimits(4096, 1L << 30, true, 1L << 30, true);
    DiskException.@Nullable Kind failReads;
    DiskException.@Nullable Kind failWrites;
    @Nullable RuntimeException bug;
    int flushes;
    int forcedWrites;
    int writes;
    boolean lastZeroesMayUnmap;

    TestDisk(int sectorBytes, int sectors) {
        this.sectorBytes = sectorBytes;
        size = (long) sectorBytes * sectors;
        bytes = Arena.ofAuto().allocate(size, 4096);
        allocated = new boolean[sectors];
    }

    byte at(long offset) {
        return bytes.get(ValueLayout.JAVA_BYTE, offset);
    }

    boolean isAllocated(int sector) {
        return allocated[sector];
    }

    void allocate(int sector) {
        allocated[sector] = true;
    }

    /** Becomes this large; what lies beyond its memory is the same again from the start. */
    void pretendSectors(long sectors) {
        size = sectors * sectorBytes;
    }

    private long place(long offset) {
        return offset % bytes.byteSize();
    }

    private void check(long offset, long length, DiskException.@Nullable Kind failure)
            throws DiskException {
        if (bug != null) {
            throw bug;
        }
        if (failure != null) {
            throw new DiskException(failure, "injected");
        }
        if (offset % sectorBytes != 0 || length % sectorBytes != 0) {
            throw new IllegalArgumentException("offset=" + offset + " length=" + length);
        }
        if (offset < 0 || length < 0 || offset > size - length) {
            throw new DiskException(
                    DiskException.Kind.OUT_OF_RANGE, "offset=" + offset + " length=" + length);
        }
    }

    @Override
    public long sizeBytes() {
        return size;
    }

    @Override
    public int sectorBytes() {
        return sectorBytes;
    }

    @Override
    public int physicalSectorBytes() {
        return physicalBytes;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public DiskLimits limits() {
        return limits;
    }

    @Override
    public boolean mayBlock() {
        return mayBlock;
    }

    @Override
    public boolean tryRead(long offset, IoVector into) throws DiskException {
        if (tryReads) {
            read(offset, into);
        } else {
            into.fill(0, into.totalBytes(), (byte) 0xEE);
        }
        return tryReads;
    }

    @Override
    public void read(long offset, IoVector into) throws DiskException {
        check(offset, into.totalBytes(), failReads);
        into.copyFrom(0, bytes, place(offset), into.totalBytes());
    }

    @Override
    public void write(long offset, IoVector from, boolean fua) throws DiskException {
        check(offset, from.totalBytes(), failWrites);
        from.copyTo(0, bytes, place(offset), from.totalBytes());
        allocated(offset, from.totalBytes(), true);
        writes++;
        forcedWrites += fua ? 1 : 0;
    }

    private void allocated(long offset, long length, boolean value) {
        for (long at = offset; at < offset + length; at += sectorBytes) {
            allocated[(int) (place(at) / sectorBytes)] = value;
        }
    }

    @Override
    public void flush() throws DiskException {
        check(0, 0, failWrites);
        flushes++;
    }

    @Override
    public void unmap(long offset, long length) throws DiskException {
        check(offset, length, failWrites);
        bytes.asSlice(offset, length).fill((byte) 0);
        allocated(offset, length, false);
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) throws DiskException {
        check(offset, length, failWrites);
        bytes.asSlice(offset, length).fill((byte) 0);
        allocated(offset, length, !mayUnmap);
        lastZeroesMayUnmap = mayUnmap;
    }

    @Override
    public void extents(long offset, long length, ExtentSink sink) throws DiskException {
        check(offset, length, failReads);
        for (long at = offset; at < offset + length; at += sectorBytes) {
            if (!sink.extent(at, sectorBytes, allocated[(int) (at / sectorBytes)])) {
                return;
            }
        }
    }

    @Override
    public void resize(long newBytes) {
        if (newBytes > bytes.byteSize()) {
            throw new IllegalArgumentException("newBytes=" + newBytes);
        }
        size = newBytes;
    }

    @Override
    public void close() {}
}
