package dev.airlock.vmm.console;

import dev.airlock.vmm.device.ByteSink;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Takes a guest's output byte by byte and writes it in as few pieces as the stream's speed allows,
 * by a thread of its own. When the buffer is full, who sends waits: nothing is lost on a slow
 * terminal. When the stream fails, the rest is dropped. Thread-safe.
 */
final class OutputBuffer implements ByteSink, AutoCloseable {

    static final int BYTES = 1 << 16;

    /** How long {@link #close} waits for a stream that takes nothing more. */
    private static final long DRAIN_SECONDS = 2;

    private final OutputStream out;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition filled = lock.newCondition();
    private final Condition emptied = lock.newCondition();
    private final byte[] buffer = new byte[BYTES];
    private final byte[] piece = new byte[BYTES];
    private final Thread writer;
    private int size;
    private boolean closed;

    OutputBuffer(OutputStream out) {
        this.out = out;
        writer = Thread.ofPlatform().daemon().name("console-output").start(this::writeAll);
    }

    @Override
    public void accept(byte value) {
        lock.lock();
        try {
            while (size == BYTES && !closed) {
                emptied.awaitUninterruptibly();
            }
            if (!closed) {
                buffer[size++] = value;
                if (size == 1) {
                    filled.signal();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Writes what is left, waiting two seconds at most; later bytes are dropped. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            filled.signal();
            emptied.signalAll();
        } finally {
            lock.unlock();
        }
        try {
            writer.join(TimeUnit.SECONDS.toMillis(DRAIN_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void writeAll() {
        int count = take();
        while (count > 0) {
            try {
                out.write(piece, 0, count);
                out.flush();
            } catch (IOException e) {
                drop();
                return;
            }
            count = take();
        }
    }

    /** All that is there, into {@link #piece}; waits for some. 0 when closed and written. */
    private int take() {
        lock.lock();
        try {
            while (size == 0 && !closed) {
                filled.awaitUninterruptibly();
            }
            int count = size;
            System.arraycopy(buffer, 0, piece, 0, count);
            size = 0;
            emptied.signalAll();
            return count;
        } finally {
            lock.unlock();
        }
    }

    private void drop() {
        lock.lock();
        try {
            closed = true;
            emptied.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
