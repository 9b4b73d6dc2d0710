package dev.airlock.storvsc.block;

import dev.airlock.storvsc.ScsiCompletion;
import dev.airlock.storvsc.ScsiRequest;
import org.jspecify.annotations.Nullable;

/**
 * One SCSI command on behalf of a {@link BlockRequest}. Lives in a {@link TransferPool}; belongs to
 * the device while in use.
 */
final class Transfer implements ScsiCompletion {
    private final Dispatcher dispatcher;
    private final int index;
    private final long parameterGpa;
    private final ScsiRequest command;
    private @Nullable BlockRequest owner;
    private int retries;
    private long busySinceNanos;
    private boolean wasBusy;
    private @Nullable Transfer next;

    /**
     * @param index its place in the pool
     * @param parameterGpa memory of its own that the host can see, for the parameters of an UNMAP
     * @param maxEntries of its data list
     */
    Transfer(Dispatcher dispatcher, int index, long parameterGpa, int maxEntries) {
        this.dispatcher = dispatcher;
        this.index = index;
        this.parameterGpa = parameterGpa;
        this.command = new ScsiRequest(maxEntries).onCompletion(this);
    }

    @Override
    public void completed(ScsiRequest ended) {
        dispatcher.ended(this);
    }

    /** Begins to work for a request. */
    void begin(BlockRequest request) {
        owner = request;
        retries = 0;
        wasBusy = false;
    }

    ScsiRequest command() {
        return command;
    }

    int index() {
        return index;
    }

    long parameterGpa() {
        return parameterGpa;
    }

    BlockRequest owner() {
        BlockRequest request = owner;
        if (request == null) {
            throw new IllegalStateException("transfer is not in use: index=" + index);
        }
        return request;
    }

    void end() {
        owner = null;
    }

    /** Counts an attempt; how many there were before. */
    int countRetry() {
        return retries++;
    }

    /** For how long the host has said that it is busy. */
    long busyForNanos(long nowNanos) {
        if (!wasBusy) {
            wasBusy = true;
            busySinceNanos = nowNanos;
        }
        return nowNanos - busySinceNanos;
    }

    @Nullable Transfer next() {
        return next;
    }

    void next(@Nullable Transfer following) {
        next = following;
    }
}
