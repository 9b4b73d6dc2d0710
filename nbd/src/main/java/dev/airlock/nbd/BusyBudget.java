package dev.airlock.nbd;

/**
 * How much buffer memory a connection fills at a time while more requests wait. With a disk at the
 * speed of memory little is best: what caches hold is copied faster, and fewer pages are touched.
 * With a slow one much is, to keep it busy. Told apart by what comes through, which, unlike a
 * latency, does not depend on how much is under way. For one thread.
 */
final class BusyBudget {
    static final long SMALL_BYTES = 1 << 20;
    static final long LARGE_BYTES = 16 << 20;

    /** A disk that gives less than this is worth more requests: 400 MB/s, in bytes per us. */
    private static final long SLOW_BYTES_PER_US = 400;

    private static final long WINDOW_NANOS = 10_000_000;

    private long bytes = SMALL_BYTES;
    private long windowStart;
    private long windowBytes;

    /** Bytes beyond which nothing more is taken while something is under way. */
    long bytes() {
        return bytes;
    }

    /** A request with so much buffer memory has ended at the disk. */
    void ended(long bufferBytes, long nowNanos) {
        windowBytes += bufferBytes;
        long nanos = nowNanos - windowStart;
        if (nanos >= WINDOW_NANOS) {
            boolean isSlow = windowBytes < nanos / 1_000 * SLOW_BYTES_PER_US;
            bytes = isSlow ? LARGE_BYTES : SMALL_BYTES;
            windowStart = nowNanos;
            windowBytes = 0;
        }
    }
}
