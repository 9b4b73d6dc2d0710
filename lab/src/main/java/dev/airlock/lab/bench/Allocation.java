package dev.airlock.lab.bench;

import java.lang.management.ManagementFactory;

/** Heap memory that a thread has taken. */
final class Allocation {
    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Allocation() {}

    /** Bytes the calling thread has allocated so far; exact, and allocates nothing itself. */
    static long ofThisThread() {
        return THREADS.getCurrentThreadAllocatedBytes();
    }
}
