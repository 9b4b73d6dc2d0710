package dev.airlock.storvsc;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A counter that one thread at a time adds to, without a locked instruction, and any thread reads.
 */
final class OwnedCounter {
    private final AtomicLong value = new AtomicLong();

    /** Only by the thread that owns the counter now. */
    void increment() {
        value.setOpaque(value.getPlain() + 1);
    }

    long get() {
        return value.getOpaque();
    }
}
