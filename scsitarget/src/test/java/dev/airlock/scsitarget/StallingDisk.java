package dev.airlock.scsitarget;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.disk.DiskLimits;
import dev.airlock.disk.ExtentSink;
import dev.airlock.memory.IoVector;
import java.util.concurrent.CountDownLatch;

/** Reads of this disk say that they have begun, and wait to be let go. */
record StallingDisk(TestDisk disk, CountDownLatch begun, CountDownLatch release) implements Disk {

    @Override
    public void read(long offset, IoVector into) throws DiskException {
        begun.countDown();
        try {
            release.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        disk.read(offset, into);
    }

    @Override
    public boolean tryRead(long offset, IoVector into) {
        return false;
    }

    @Override
    public boolean mayBlock() {
        return true;
    }

    @Override
    public long sizeBytes() {
        return disk.sizeBytes();
    }

    @Override
    public int sectorBytes() {
        return disk.sectorBytes();
    }

    @Override
    public int physicalSectorBytes() {
        return disk.physicalSectorBytes();
    }

    @Override
    public boolean isReadOnly() {
        return disk.isReadOnly();
    }

    @Override
    public DiskLimits limits() {
        return disk.limits();
    }

    @Override
    public void write(long offset, IoVector from, boolean fua) throws DiskException {
        disk.write(offset, from, fua);
    }

    @Override
    public void flush() throws DiskException {
        disk.flush();
    }

    @Override
    public void unmap(long offset, long bytes) throws DiskException {
        disk.unmap(offset, bytes);
    }

    @Override
    public void writeZeroes(long offset, long bytes, boolean mayUnmap) throws DiskException {
        disk.writeZeroes(offset, bytes, mayUnmap);
    }

    @Override
    public void extents(long offset, long bytes, ExtentSink sink) throws DiskException {
        disk.extents(offset, bytes, sink);
    }

    @Override
    public void resize(long newBytes) {
        disk.resize(newBytes);
    }

    @Override
    public void close() {}
}
