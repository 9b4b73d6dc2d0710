package dev.airlock.storvsc;

import java.util.function.LongSupplier;

/**
 * A clock that is read once a tick and then costs the hot path one plain load. Time-outs are as
 * coarse as the ticks, and never early: whoever sets a deadline adds a tick.
 */
final class CoarseClock {
    private final LongSupplier nanoTime;
    private volatile long nowNanos;

    /** A clock over a source that counts as {@link System#nanoTime}. */
    CoarseClock(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        nowNanos = nanoTime.getAsLong();
    }

    /** Reads the source. */
    long tick() {
        long now = nanoTime.getAsLong();
        nowNanos = now;
        return now;
    }

    /** The time at the last tick. */
    long nowNanos() {
        return nowNanos;
    }
}
