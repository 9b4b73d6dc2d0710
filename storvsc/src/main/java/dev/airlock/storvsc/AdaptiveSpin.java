package dev.airlock.storvsc;

/**
 * How long a thread that polls a channel looks at its ring before it sleeps. Sleeping costs a
 * system call here, a signal from the host and a wake-up; spinning costs a core that others may
 * need. So the budget grows while answers come soon after the ring ran empty, and goes to nothing
 * while they do not.
 *
 * <p>Not thread-safe: one polling thread's own.
 */
public final class AdaptiveSpin {
    private static final long FLOOR_NANOS = 2_000;

    private final long maxNanos;
    private long budgetNanos;

    /**
     * @param maxNanos largest budget; 0 never spins
     */
    public AdaptiveSpin(long maxNanos) {
        if (maxNanos < 0) {
            throw new IllegalArgumentException("maxNanos=" + maxNanos);
        }
        this.maxNanos = maxNanos;
        this.budgetNanos = Math.min(FLOOR_NANOS, maxNanos);
    }

    /** Nanoseconds to spin now; 0 means sleep at once. */
    public long budgetNanos() {
        return budgetNanos;
    }

    /** An answer came while spinning. */
    public void paid() {
        budgetNanos = Math.min(maxNanos, Math.max(FLOOR_NANOS, budgetNanos * 2));
    }

    /** The budget ran out. */
    public void wasted() {
        budgetNanos /= 2;
        if (budgetNanos < FLOOR_NANOS) {
            budgetNanos = 0;
        }
    }

    /**
     * The thread slept this long before something came: had it been short, spinning would have
     * paid.
     */
    public void slept(long nanos) {
        if (nanos <= maxNanos) {
            paid();
        }
    }
}
