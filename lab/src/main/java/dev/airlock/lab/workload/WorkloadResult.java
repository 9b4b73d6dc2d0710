package dev.airlock.lab.workload;

import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link VerifiedWorkload} did.
 *
 * @param seconds how long it ran, its final sweep included
 * @param ios completed I/Os
 * @param bytes data read and written
 * @param latencyNs from submission to completion of each I/O
 * @param wrongBytes bytes that were not what they had to be
 * @param failedIos I/Os that ended with an error
 * @param firstFailure what the first of those said, or where the first wrong byte was; null when
 *     all was well
 * @param firstVerifiedNanoTime {@link System#nanoTime} when the first I/O had been read and found
 *     right; 0 if none was
 */
public record WorkloadResult(
        double seconds,
        long ios,
        long bytes,
        Histogram latencyNs,
        long wrongBytes,
        long failedIos,
        @Nullable String firstFailure,
        long firstVerifiedNanoTime) {
    /** Whether every I/O succeeded and every byte was right, and at least one was checked. */
    public boolean isGood() {
        return wrongBytes == 0 && failedIos == 0 && firstVerifiedNanoTime != 0;
    }
}
