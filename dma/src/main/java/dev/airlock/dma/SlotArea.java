package dev.airlock.dma;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A part of a pool with a lock of its own: so many whole segments, and which of their slots are
 * free. The counterpart of {@code struct io_tlb_area}.
 *
 * <p>Free slots are a bit each, two words for a segment ({@link SlotBits}); the {@link
 * FreeRunIndex} pair tells which segment to look at. There are two indexes, of the longest runs
 * that begin at an even and at an odd slot, because with Linux's 2 KiB slots and the usual {@code
 * minAlignMask} of 4095 that is exactly the question: which half of a Hyper-V page must the mapping
 * begin in. So neither the search nor freeing ever walks slots, as {@code swiotlb_search_pool_area}
 * and {@code swiotlb_release_slots} do, and the cost stays what it is when the pool is nearly full.
 * Wishes beyond that (masks above 4095, boundaries inside a segment) may look at segments in vain;
 * {@link #segmentsSearched} shows it.
 *
 * <p>Search is first fit from the bottom: the slots that were freed last are likely to be used
 * next, while they are still in the cache, and long runs survive at the top.
 *
 * <p>The lock is a word that is spun on: what it guards takes some ten nanoseconds and neither
 * copies nor allocates. One atomic operation and one plain store when nobody else wants it, which
 * is the normal case as threads prefer different areas.
 */
final class SlotArea extends PaddedArea {
    static final int NONE = -1;

    private static final VarHandle LOCK;
    private static final VarHandle USED;
    private static final VarHandle QUOTA;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            LOCK = lookup.findVarHandle(SlotArea.class, "lock", int.class);
            USED = lookup.findVarHandle(SlotArea.class, "used", int.class);
            QUOTA = lookup.findVarHandle(SlotArea.class, "quota", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Failed attempts on the lock before the processor is offered to the holder. */
    private static final int SPINS = 64;

    private static final int WORDS = 2;

    private int lock;

    /** Written under the lock, read anywhere. */
    private int used;

    /** See {@link HighWaterMark}; read and written by anybody. */
    private int quota;

    // The rest is guarded by the lock.
    private long claims;
    private long slotsClaimed;
    private long bytesMapped;
    private long bytesIn;
    private long bytesOut;
    private long segmentsSearched;

    private final int firstSlot;
    private final int slots;
    private final int segmentShift;
    private final long[] free;
    private final FreeRunIndex even;
    private final FreeRunIndex odd;

    /**
     * @param firstSlot the pool's index of the area's first slot
     */
    SlotArea(int firstSlot, int segments, int segmentSlots) {
        this.firstSlot = firstSlot;
        slots = segments * segmentSlots;
        segmentShift = Integer.numberOfTrailingZeros(segmentSlots);
        free = new long[segments * WORDS];
        for (int segment = 0; segment < segments; segment++) {
            free[segment * WORDS] = SlotBits.rangeLow(0, segmentSlots);
            free[segment * WORDS + 1] = SlotBits.rangeHigh(0, segmentSlots);
        }
        even = new FreeRunIndex(segments, segmentSlots);
        odd = new FreeRunIndex(segments, segmentSlots - 1);
    }

    boolean tryLock() {
        return (int) LOCK.getOpaque(this) == 0 && LOCK.weakCompareAndSetAcquire(this, 0, 1);
    }

    void lock() {
        for (int spins = 0; !tryLock(); spins++) {
            if (spins < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    void unlock() {
        LOCK.setRelease(this, 0);
    }

    /** Slots of live mappings. Exact under the lock, else a moment old. */
    int used() {
        return (int) USED.getOpaque(this);
    }

    int slots() {
        return slots;
    }

    boolean mayHold(int wanted) {
        return slots - used() >= wanted;
    }

    boolean isOverQuota() {
        return used() > (int) QUOTA.getOpaque(this);
    }

    void quota(int value) {
        QUOTA.setOpaque(this, value);
    }

    /**
     * Takes a run of free slots inside one segment. Under the lock.
     *
     * @param allowedLow slots of a segment's low word at which the run may begin
     * @param allowedHigh the same of the high word
     * @return the pool's index of the run's first slot, or {@link #NONE}
     */
    int claim(int wanted, long allowedLow, long allowedHigh) {
        int slot = NONE;
        long allowed = allowedLow | allowedHigh;
        if ((allowed & SlotBits.EVEN) != 0) {
            slot = search(even, SlotBits.EVEN, wanted, allowedLow, allowedHigh);
        }
        if (slot == NONE && (allowed & SlotBits.ODD) != 0) {
            slot = search(odd, SlotBits.ODD, wanted, allowedLow, allowedHigh);
        }
        if (slot == NONE) {
            return NONE;
        }
        int segment = slot >>> segmentShift;
        int first = slot - (segment << segmentShift);
        free[segment * WORDS] &= ~SlotBits.rangeLow(first, wanted);
        free[segment * WORDS + 1] &= ~SlotBits.rangeHigh(first, wanted);
        USED.setOpaque(this, used + wanted);
        slotsClaimed += wanted;
        return firstSlot + slot;
    }

    private int search(
            FreeRunIndex index, long parity, int wanted, long allowedLow, long allowedHigh) {
        int segment = index.firstAtLeast(wanted, 0);
        while (segment != FreeRunIndex.NONE) {
            segmentsSearched++;
            long low = free[segment * WORDS];
            long high = free[segment * WORDS + 1];
            // Bit i stays while slots i to i + have - 1 are free.
            for (int have = 1; have < wanted; ) {
                int step = Math.min(have, wanted - have);
                if (step < Long.SIZE) {
                    low &= low >>> step | high << Long.SIZE - step;
                    high &= high >>> step;
                } else {
                    low &= high;
                    high = 0;
                }
                have += step;
            }
            if (((low | high) & parity) == 0) {
                index.lower(segment, wanted - 1);
            } else {
                low &= allowedLow;
                high &= allowedHigh;
                if (low != 0) {
                    return (segment << segmentShift) + Long.numberOfTrailingZeros(low);
                }
                if (high != 0) {
                    return (segment << segmentShift) + Long.SIZE + Long.numberOfTrailingZeros(high);
                }
            }
            segment = index.firstAtLeast(wanted, segment + 1);
        }
        return NONE;
    }

    /** Gives back a run of slots that {@link #claim} took. Under the lock. */
    void release(int poolSlot, int count) {
        int slot = poolSlot - firstSlot;
        int segment = slot >>> segmentShift;
        int first = slot - (segment << segmentShift);
        long low = free[segment * WORDS] | SlotBits.rangeLow(first, count);
        long high = free[segment * WORDS + 1] | SlotBits.rangeHigh(first, count);
        free[segment * WORDS] = low;
        free[segment * WORDS + 1] = high;
        USED.setOpaque(this, used - count);
        int start = SlotBits.startOfRun(low, high, first);
        int end = SlotBits.endOfRun(low, high, first + count);
        even.raise(segment, end - (start + 1 & ~1));
        odd.raise(segment, end - (start | 1));
    }

    /** Under the lock. */
    void countMapped(int bytes, int copiedIn) {
        claims++;
        bytesMapped += bytes;
        bytesIn += copiedIn;
    }

    /** Under the lock. */
    void countIn(int bytes) {
        bytesIn += bytes;
    }

    /** Under the lock. */
    void countOut(int bytes) {
        bytesOut += bytes;
    }

    // Read under the lock for exact values.

    long claims() {
        return claims;
    }

    long slotsClaimed() {
        return slotsClaimed;
    }

    long bytesMapped() {
        return bytesMapped;
    }

    long bytesIn() {
        return bytesIn;
    }

    long bytesOut() {
        return bytesOut;
    }

    long segmentsSearched() {
        return segmentsSearched;
    }
}
