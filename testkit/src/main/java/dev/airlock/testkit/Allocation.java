package dev.airlock.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Counts what threads allocate on the heap. Stateless. */
public final class Allocation {
    private static final int ROUNDS = 5_000;
    private static final int WINDOWS_MAX = 200;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Allocation() {}

    /**
     * An operation under test.
     *
     * @param <E> what it may throw
     */
    @FunctionalInterface
    public interface Operation<E extends Exception> {
        /** Once. */
        void run() throws E;
    }

    /** Bytes so far; asking costs none itself. */
    public static long bytes() {
        return THREADS.getCurrentThreadAllocatedBytes();
    }

    /** Bytes that another thread has allocated so far. */
    public static long bytesOf(long threadId) {
        return THREADS.getThreadAllocatedBytes(threadId);
    }

    /**
     * Fails when the operation allocates in its steady state: in every one of many windows, of
     * which the first ones still run uncompiled code. In a window less than a byte a round is what
     * the measuring itself may cost.
     */
    public static <E extends Exception> void assertNone(Operation<E> operation) throws E {
        long least = Long.MAX_VALUE;
        for (int window = 0; window < WINDOWS_MAX && least >= ROUNDS; window++) {
            long before = bytes();
            for (int i = 0; i < ROUNDS; i++) {
                operation.run();
            }
            least = Math.min(least, bytes() - before);
        }
        if (least >= ROUNDS) {
            throw new AssertionError("bytes=" + least + " allocated in rounds=" + ROUNDS);
        }
    }
}
