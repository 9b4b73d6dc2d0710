package dev.airlock.nbd;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * How long requests took: counts in classes that are 1/16 of a power of two wide, so that a
 * percentile is right within 6 %. One thread records, without allocation; any reads.
 */
public final class LatencyCounts {
    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int SUB_BITS = 4;
    private static final int CLASSES = (Long.SIZE - SUB_BITS) << SUB_BITS;

    private final long[] counts = new long[CLASSES];

    void record(long nanos) {
        int index = indexOf(Math.max(nanos, 0));
        LONGS.setOpaque(counts, index, counts[index] + 1);
    }

    /** Adds what another has counted so far. */
    void add(LatencyCounts other) {
        for (int i = 0; i < CLASSES; i++) {
            counts[i] += (long) LONGS.getOpaque(other.counts, i);
        }
    }

    /** What was counted since an earlier state of the same counts. */
    public LatencyCounts since(LatencyCounts earlier) {
        LatencyCounts difference = new LatencyCounts();
        for (int i = 0; i < CLASSES; i++) {
            difference.counts[i] = counts[i] - earlier.counts[i];
        }
        return difference;
    }

    /** Nanoseconds that this share of the requests, 0 to 1, did not exceed; 0 without requests. */
    public long percentile(double share) {
        long total = 0;
        for (long count : counts) {
            total += count;
        }
        long wanted = (long) Math.ceil(total * share);
        long seen = 0;
        for (int i = 0; i < CLASSES; i++) {
            seen += counts[i];
            if (counts[i] > 0 && seen >= wanted) {
                return upperBound(i);
            }
        }
        return 0;
    }

    private static int indexOf(long nanos) {
        if (nanos < 1 << SUB_BITS) {
            return (int) nanos;
        }
        int shift = Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos) - SUB_BITS;
        return ((shift + 1) << SUB_BITS) + (int) (nanos >>> shift) - (1 << SUB_BITS);
    }

    private static long upperBound(int index) {
        int shift = (index >>> SUB_BITS) - 1;
        if (shift < 0) {
            return index;
        }
        long mantissa = (1 << SUB_BITS) + (index & ((1 << SUB_BITS) - 1));
        return ((mantissa + 1) << shift) - 1;
    }
}
