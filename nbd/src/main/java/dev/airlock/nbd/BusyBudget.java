package dev.airlock.nbd;

/**
 * How much buffer memory a connection fills at a time while more requests wait. With a disk at the
 * speed of memory little is best: what caches hold is copied faster, and fewer pages are touched.
 * With a slow one much is, to keep it busy. A disk is slow when even its fastest answer takes long;
 * asked again every second with little under way, as a long queue looks slow whatever the disk. For
 * one thread.
 */
final class BusyBudget {
    static final long SMALL_BYTES = 1 << 20;

    static final long LARGE_BYTES = 16 << 20;

    /** With {@link #SMALL_BYTES} under way: 200 MB/s for this connection. */
    static final long SLOW_NANOS = 5_000_000;

    private static final long LOOK_NANOS = 20_000_000;
    private static final long LARGE_NANOS = 1_000_000_000;

    /** So that one answer that was late for whatever reason says nothing. */
    private static final int ANSWERS_MIN = 8;

    private long bytes = SMALL_BYTES;
    private long since;
    private int answers;
    private long fastestNanos = Long.MAX_VALUE;

    /** Bytes that may be in use at a time. */
    long bytes() {
        return bytes;
    }

    /**
     * Whether one more request may be taken. Two always may, however large: one is sent while the
     * disk works on the other.
     *
     * @param used bytes in use
     * @param wanted bytes of the request
     */
    boolean allows(long used, long wanted) {
        return used <= wanted || used + wanted <= bytes;
    }

    /**
     * A request has ended at the disk.
     *
     * @param nanos how long the disk had it
     * @param nowNanos by {@link System#nanoTime}
     */
    void ended(long nanos, long nowNanos) {
        fastestNanos = Math.min(fastestNanos, nanos);
        answers++;
        if (answers == 1) {
            since = nowNanos;
        }
        boolean isSmall = bytes == SMALL_BYTES;
        if (answers < ANSWERS_MIN || nowNanos - since < (isSmall ? LOOK_NANOS : LARGE_NANOS)) {
            return;
        }
        bytes = isSmall && fastestNanos >= SLOW_NANOS ? LARGE_BYTES : SMALL_BYTES;
        answers = 0;
        fastestNanos = Long.MAX_VALUE;
    }
}
