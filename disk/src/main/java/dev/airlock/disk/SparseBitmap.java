package dev.airlock.disk;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * A row of bits, all clear at first, that takes memory only where bits were set. Thread-safe: each
 * bit is atomic, and what was written before a bit was set is seen by whoever sees it set. Without
 * allocation once a region is there.
 */
final class SparseBitmap {
    /** Bits per region: 4 KiB of memory. */
    private static final int REGION_SHIFT = 15;

    private static final int REGION_BITS = 1 << REGION_SHIFT;

    private volatile @Nullable AtomicLongArray[] regions = new @Nullable AtomicLongArray[0];

    boolean get(long bit) {
        AtomicLongArray region = region(bit);
        return region != null && (region.get(word(bit)) & mask(bit)) != 0;
    }

    void set(long bit) {
        AtomicLongArray region = region(bit);
        if (region == null) {
            region = makeRegion(bit);
        }
        region.getAndAccumulate(word(bit), mask(bit), (bits, added) -> bits | added);
    }

    void clear(long bit) {
        AtomicLongArray region = region(bit);
        if (region != null) {
            region.getAndAccumulate(word(bit), mask(bit), (bits, removed) -> bits & ~removed);
        }
    }

    /**
     * The first bit from {@code from} on, before {@code to}, whose value is not {@code value};
     * {@code to} if there is none.
     */
    long runEnd(long from, long to, boolean value) {
        long bit = from;
        while (bit < to) {
            AtomicLongArray region = region(bit);
            long bits = region == null ? 0 : region.get(word(bit));
            long differing = (value ? ~bits : bits) >>> bit;
            if (differing != 0) {
                return Math.min(to, bit + Long.numberOfTrailingZeros(differing));
            }
            bit = (bit | ((region == null ? REGION_BITS : Long.SIZE) - 1)) + 1;
        }
        return to;
    }

    private @Nullable AtomicLongArray region(long bit) {
        @Nullable AtomicLongArray[] all = regions;
        long index = bit >>> REGION_SHIFT;
        return index < all.length ? all[(int) index] : null;
    }

    private synchronized AtomicLongArray makeRegion(long bit) {
        int index = Math.toIntExact(bit >>> REGION_SHIFT);
        @Nullable AtomicLongArray[] all = regions;
        AtomicLongArray region = index < all.length ? all[index] : null;
        if (region == null) {
            // A new array each time: its elements are published by the write of the field.
            @Nullable AtomicLongArray[] grown = Arrays.copyOf(all, Math.max(all.length, index + 1));
            region = new AtomicLongArray(REGION_BITS / Long.SIZE);
            grown[index] = region;
            regions = grown;
        }
        return region;
    }

    private static int word(long bit) {
        return (int) (bit & (REGION_BITS - 1)) >>> 6;
    }

    private static long mask(long bit) {
        return 1L << bit;
    }
}
