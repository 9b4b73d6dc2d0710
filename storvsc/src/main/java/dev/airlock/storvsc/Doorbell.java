package dev.airlock.storvsc;

import dev.airlock.vmbus.guest.GuestChannel;
import java.util.concurrent.atomic.LongAdder;

/**
 * Signals the host, and watches over those who do. A hostile host can raise the shared eventfd to
 * its limit and make it blocking, so that a signaller blocks in the kernel. {@link #isStuck}, asked
 * regularly by a thread that never signals, tells that nobody came back since it was last asked.
 */
final class Doorbell {
    private final GuestChannel link;
    private final LongAdder entered = new LongAdder();
    private final LongAdder left = new LongAdder();
    private long enteredBefore;
    private long leftBefore;

    Doorbell(GuestChannel link) {
        this.link = link;
    }

    /** Signals the host. A hostile host can make it block until the channel is given up. */
    void signal() {
        entered.increment();
        try {
            link.signalHost();
        } finally {
            left.increment();
        }
    }

    /** Number of signals so far. */
    long signals() {
        return entered.sum();
    }

    /**
     * Whether somebody who was signalling when this was last asked still is, and none has returned
     * since. Never blocks. One thread at a time.
     */
    boolean isStuck() {
        long leftNow = left.sum();
        long enteredNow = entered.sum();
        boolean stuck = enteredBefore > leftBefore && leftNow == leftBefore;
        enteredBefore = enteredNow;
        leftBefore = leftNow;
        return stuck;
    }
}
