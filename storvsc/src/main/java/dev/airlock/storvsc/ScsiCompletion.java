package dev.airlock.storvsc;

/**
 * Told that a command has ended. Called exactly once for each accepted command, on the thread that
 * polls the channel, or on the recovery thread after a time-out or the channel's end; it may submit
 * again at once, and must not block. An exception is reported to the thread's uncaught exception
 * handler and otherwise ignored.
 */
@FunctionalInterface
public interface ScsiCompletion {
    /** The request's results are set and the request may be used again. */
    void completed(ScsiRequest request);
}
