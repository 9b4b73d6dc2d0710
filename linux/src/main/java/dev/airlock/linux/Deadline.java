package dev.airlock.linux;

/** The end of a wait of several steps. Negative time-outs have no end. */
final class Deadline {
    private final long timeoutMs;
    private final long start = System.nanoTime();

    Deadline(long timeoutMs) {
        this.timeoutMs = timeoutMs;
    }

    long remainingMs() {
        if (timeoutMs <= 0) {
            return timeoutMs;
        }
        return Math.max(0, timeoutMs - (System.nanoTime() - start) / 1_000_000);
    }
}
