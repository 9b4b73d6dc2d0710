package dev.airlock.disk;

import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A bounded set of buffers, made when first needed and kept. A thread that finds none free waits
 * for one. Thread-safe; the lock is held to take and give only.
 */
final class AlignedBuffers implements AutoCloseable {
    /** Bounds the memory of one disk to 4 MiB. */
    static final int COUNT_MAX = 16;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition given = lock.newCondition();
    private final @Nullable AlignedBuffer[] free = new @Nullable AlignedBuffer[COUNT_MAX];
    private int freeCount;
    private int madeCount;

    /**
     * Takes a buffer, waiting for one if need be; the caller gives it back. Its content is
     * unspecified.
     */
    AlignedBuffer take() throws DiskException {
        lock.lock();
        try {
            AlignedBuffer buffer = takeFreeOrNew();
            while (buffer == null) {
                given.awaitUninterruptibly();
                buffer = takeFreeOrNew();
            }
            return buffer;
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #take}, but null where that would wait. */
    @Nullable AlignedBuffer tryTake() throws DiskException {
        lock.lock();
        try {
            return takeFreeOrNew();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable AlignedBuffer takeFreeOrNew() throws DiskException {
        if (freeCount > 0) {
            return free[--freeCount];
        }
        if (madeCount == COUNT_MAX) {
            return null;
        }
        try {
            AlignedBuffer buffer = new AlignedBuffer();
            madeCount++;
            return buffer;
        } catch (LinuxException e) {
            DiskException.Kind kind =
                    e.errno() == Errno.ENOMEM ? DiskException.Kind.NO_SPACE : DiskException.Kind.IO;
            throw new DiskException(kind, "no memory for a transfer: " + e.getMessage(), e);
        }
    }

    /** Gives a buffer back. */
    void give(AlignedBuffer buffer) {
        lock.lock();
        try {
            free[freeCount++] = buffer;
            given.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Frees the buffers; none is in use. */
    @Override
    public void close() {
        lock.lock();
        try {
            while (freeCount > 0) {
                AlignedBuffer buffer = free[--freeCount];
                if (buffer != null) {
                    buffer.close();
                }
            }
        } finally {
            lock.unlock();
        }
    }
}
