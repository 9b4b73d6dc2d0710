package dev.airlock.storvsc;

/** Who submits commands to an adapter and may have to wait with them. Must not block. */
public interface AdapterClient {
    /**
     * Time to try again what was busy. Called by the adapter's recovery, every few milliseconds
     * while {@link #isWaiting}.
     */
    void retry();

    /** Whether there is anything to {@link #retry}. */
    boolean isWaiting();

    /** The adapter has closed: end what waits. */
    void adapterClosed();
}
