package dev.airlock.storvsp;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskException;
import dev.airlock.disk.DiskLimits;
import dev.airlock.disk.ExtentSink;
import dev.airlock.disk.MemoryDisk;
import dev.airlock.memory.IoVector;

/**
 * A disk for tests whose reads, writes and flushes wait at a gate that the test opens, like a
 * device that does not answer. It counts who waits there.
 */
public final class GatedDisk implements Disk {
    private final MemoryDisk store;
    private boolean open;
    private int waiting;
    private int mostWaiting;
    private int passed;
    private int flushes;
    private boolean closed;

    public GatedDisk(long bytes, boolean open) {
        store = new MemoryDisk(bytes, 512, false);
        this.open = open;
    }

    /** Lets everybody through, until {@link #shut}. */
    public synchronized void open() {
        open = true;
        notifyAll();
    }

    public synchronized void shut() {
        open = false;
    }

    /** Waits until so many requests are at the gate. */
    public synchronized void awaitWaiting(int count) throws InterruptedException {
        while (waiting < count) {
            wait();
        }
    }

    /** Requests that went through so far. */
    public synchronized int passed() {
        return passed;
    }

    /** The most that were in a request at once. */
    public synchronized int mostWaiting() {
        return mostWaiting;
    }

    public synchronized int flushes() {
        return flushes;
    }

    public synchronized boolean isClosed() {
        return closed;
    }

    private synchronized void pass() {
        waiting++;
        mostWaiting = Math.max(mostWaiting, waiting);
        notifyAll();
        boolean interrupted = false;
        while (!open) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        waiting--;
        passed++;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public long sizeBytes() {
        return store.sizeBytes();
    }

    @Override
    public int sectorBytes() {
        return store.sectorBytes();
    }

    @Override
    public int physicalSectorBytes() {
        return store.physicalSectorBytes();
    }

    @Override
    public boolean isReadOnly() {
        return store.isReadOnly();
    }

    @Override
    public DiskLimits limits() {
        return new DiskLimits(4096, 1 << 30, true, 1 << 30, true);
    }

    @Override
    public boolean mayBlock() {
        return true;
    }

    @Override
    public boolean tryRead(long offset, IoVector into) {
        return false;
    }

    @Override
    public void read(long offset, IoVector into) throws DiskException {
        pass();
        store.read(offset, into);
    }

    @Override
    public void write(long offset, IoVector from, boolean fua) throws DiskException {
        pass();
        store.write(offset, from, fua);
    }

    @Override
    public void flush() throws DiskException {
        pass();
        synchronized (this) {
            flushes++;
        }
    }

    @Override
    public void unmap(long offset, long bytes) throws DiskException {
        pass();
        store.unmap(offset, bytes);
    }

    @Override
    public void writeZeroes(long offset, long bytes, boolean mayUnmap) throws DiskException {
        pass();
        store.writeZeroes(offset, bytes, mayUnmap);
    }

    @Override
    public void extents(long offset, long bytes, ExtentSink sink) throws DiskException {
        store.extents(offset, bytes, sink);
    }

    @Override
    public void resize(long newBytes) throws DiskException {
        store.resize(newBytes);
    }

    @Override
    public synchronized void close() {
        closed = true;
        store.close();
    }
}
