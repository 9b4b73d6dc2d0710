package dev.airlock.storvsc;

/**
 * Told of disks that come and go. Called on the thread that scans, which is the adapter's event
 * thread where the host asked for it; one call at a time.
 */
public interface AdapterListener {
    /** A disk is there that was not. */
    default void lunAdded(LunFacts facts) {}

    /** The disk at this address has gone; commands to it fail. */
    default void lunRemoved(LunAddress address) {}

    /** The disk is the same, but what the host says of it has changed, such as its size. */
    default void lunChanged(LunFacts facts) {}

    /** The adapter has closed, by itself or because the host has gone; all commands have ended. */
    default void closed(String reason) {}
}
