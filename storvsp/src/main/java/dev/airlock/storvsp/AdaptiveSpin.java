package dev.airlock.storvsp;

/**
 * Decides whether a ring thread looks for more work for a moment before it sleeps.
 *
 * <p>Sleeping and waking costs many microseconds on each side, spinning costs a core that somebody
 * else may need. A thread that finds work while it spins goes on doing so. When it does not, it
 * sleeps at once for a number of times, twice as many after each failure, and then tries again; but
 * only if its last sleep was short, for what it was woken by may have come much earlier than the
 * wake-up took. So a tight request-response loop is found soon and kept, a steady slow one costs
 * one failure in many sleeps, and a quiet channel never spins.
 *
 * <p>For one thread. Times are from {@link System#nanoTime}.
 */
final class AdaptiveSpin {
    /** A sleep that took no longer than this times the spin may have been mostly the wake-up. */
    private static final int SHORT_SLEEP_SPINS = 16;

    private static final int SLEEPS_BETWEEN_TRIES_MAX = 64;

    private final long spinNs;
    private boolean spinning;
    private int sleepsBetweenTries = 1;
    private int sleepsLeft = 1;

    /**
     * @param spinNs how long to look when it looks, 0 for never
     */
    AdaptiveSpin(long spinNs) {
        this.spinNs = spinNs;
    }

    /** How long to look before sleeping, now: all or nothing. */
    long allowedNs() {
        return spinning ? spinNs : 0;
    }

    /** Work came while spinning. */
    void found() {
        sleepsBetweenTries = 1;
    }

    /**
     * The thread slept, after spinning in vain where that was allowed; it waited so long in all.
     */
    void slept(long waitedNs) {
        if (spinning) {
            spinning = false;
            sleepsBetweenTries = Math.min(2 * sleepsBetweenTries, SLEEPS_BETWEEN_TRIES_MAX);
            sleepsLeft = sleepsBetweenTries;
        }
        sleepsLeft = Math.max(0, sleepsLeft - 1);
        spinning = sleepsLeft == 0 && waitedNs <= SHORT_SLEEP_SPINS * spinNs && spinNs > 0;
    }
}
