package dev.airlock.storvsc;

import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;

/**
 * Signals the host, and watches over those who do. A hostile host can raise the shared eventfd to
 * its limit and make it blocking, so that a signaller blocks in the kernel. {@link #isStuck}, asked
 * regularly by a thread that never signals, tells that.
 */
final class Doorbell {
    /**
     * So many looks in a row that find the same signallers are enough even if the eventfd has room
     * each time: a host may fill and empty it in turns.
     */
    static final int LOOKS_MAX = 50;

    private final Runnable ring;
    private final BooleanSupplier atLimit;
    private final LongAdder entered = new LongAdder();
    private final LongAdder left = new LongAdder();
    private long enteredBefore;
    private long leftBefore;
    private int looks;

    /**
     * @param ring signals the host; may block
     * @param atLimit whether it would block now
     */
    Doorbell(Runnable ring, BooleanSupplier atLimit) {
        this.ring = ring;
        this.atLimit = atLimit;
    }

    /** Signals the host. A hostile host can make it block until the channel is given up. */
    void signal() {
        entered.increment();
        try {
            ring.run();
        } finally {
            left.increment();
        }
    }

    /** Number of signals so far. */
    long signals() {
        return entered.sum();
    }

    /**
     * Whether somebody who was signalling when this was last asked still is, none has returned
     * since, and the host is to blame: on a machine that is short of processors a signaller may
     * just not have been given one. Never blocks. One thread at a time.
     */
    boolean isStuck() {
        long leftNow = left.sum();
        long enteredNow = entered.sum();
        boolean sameAsBefore = enteredBefore > leftBefore && leftNow == leftBefore;
        enteredBefore = enteredNow;
        leftBefore = leftNow;
        looks = sameAsBefore ? looks + 1 : 0;
        return sameAsBefore && (looks >= LOOKS_MAX || atLimit.getAsBoolean());
    }
}
