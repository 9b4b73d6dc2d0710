package dev.airlock.storvsp;

import org.jspecify.annotations.Nullable;

/**
 * A point that a channel's ring thread has to pass; with a reset, after reading what was in the
 * ring. The channel guards it.
 */
final class Fence {
    private final @Nullable Reset reset;

    /** Of the ring thread: passed when so many bytes were read from the ring ever. */
    private long untilBytes;

    Fence(@Nullable Reset reset) {
        this.reset = reset;
    }

    boolean isForReset() {
        return reset != null;
    }

    long untilBytes() {
        return untilBytes;
    }

    void untilBytes(long bytes) {
        untilBytes = bytes;
    }

    void pass() {
        if (reset != null) {
            reset.channelPassed();
        }
    }
}
