package dev.airlock.nbd;

/**
 * What all connections to one disk share, also when another host serves it later. Thread-safe.
 *
 * <p>A host that dies may take acknowledged writes with it that no flush had made durable, and its
 * successor knows nothing of them. So when there were any, the next flush of every connection fails
 * once: no client learns from a good flush that lost data is safe.
 */
final class ExportState {
    private final RangeLocks locks = new RangeLocks();
    private volatile boolean unflushed;
    private volatile int losses;

    RangeLocks locks() {
        return locks;
    }

    /** A change was acknowledged that is not known to be durable. */
    void changed() {
        if (!unflushed) {
            unflushed = true;
        }
    }

    /** A flush begins; when it fails, {@link #changed}. */
    void flushing() {
        unflushed = false;
    }

    /** The host has died. */
    synchronized void hostLost() {
        if (unflushed) {
            unflushed = false;
            losses++;
        }
    }

    /** How often a host died with changes that were not durable. */
    int losses() {
        return losses;
    }
}
