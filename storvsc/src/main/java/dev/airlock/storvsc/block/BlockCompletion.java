package dev.airlock.storvsc.block;

/**
 * Told that a request has ended; once for each submission, on any thread, the submitting one
 * included. May submit again at once; must not block.
 */
@FunctionalInterface
public interface BlockCompletion {
    void completed(BlockRequest request);
}
