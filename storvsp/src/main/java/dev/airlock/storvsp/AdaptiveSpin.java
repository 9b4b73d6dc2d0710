package dev.airlock.storvsp;

/**
 * Decides how long a ring thread looks for more work before it sleeps.
 *
 * <p>Sleeping and waking costs a few microseconds on each side, spinning costs a core that somebody
 * else may need. So the time allowed grows when work came soon after the last (within the limit),
 * whether it was found spinning or ended a sleep, and shrinks to nothing when it did not: a quiet
 * channel never spins, one in a tight request-response loop always does.
 *
 * <p>For one thread. Times are from {@link System#nanoTime}.
 */
final class AdaptiveSpin {
    /** First step when growing from nothing. */
    static final long STEP_NS = 2_000;

    private final long maxNs;
    private long allowedNs;

    /**
     * @param maxNs the most to spin for, 0 for never
     */
    AdaptiveSpin(long maxNs) {
        this.maxNs = maxNs;
    }

    /** How long to look before sleeping, now. */
    long allowedNs() {
        return allowedNs;
    }

    /** Work came after a wait of so long, awake or asleep. */
    void workAfter(long waitedNs) {
        if (waitedNs <= maxNs) {
            allowedNs = Math.min(maxNs, 2 * allowedNs + STEP_NS);
        } else {
            allowedNs = allowedNs < STEP_NS ? 0 : allowedNs / 2;
        }
    }
}
