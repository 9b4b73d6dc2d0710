package dev.airlock.dma;

/**
 * A segment's slots as 128 bits in two longs: {@code low} holds slots 0 to 63, {@code high} 64 to
 * 127. Every question about runs of slots is then a handful of register operations, whatever the
 * segment's state. Methods come in pairs as Java cannot return two longs without allocating.
 */
final class SlotBits {
    /** Even slots, in either word. */
    static final long EVEN = 0x5555_5555_5555_5555L;

    /** Odd slots, in either word. */
    static final long ODD = ~EVEN;

    /** {@code INDEX_BIT[b]}: the slots of a word whose index has bit {@code b} set. */
    private static final long[] INDEX_BIT = {
        ODD,
        0xCCCC_CCCC_CCCC_CCCCL,
        0xF0F0_F0F0_F0F0_F0F0L,
        0xFF00_FF00_FF00_FF00L,
        0xFFFF_0000_FFFF_0000L,
        0xFFFF_FFFF_0000_0000L
    };

    private static final int WORD = Long.SIZE;

    private SlotBits() {}

    /** The part in the low word of {@code count} slots from {@code first}. */
    static long rangeLow(int first, int count) {
        if (first >= WORD) {
            return 0;
        }
        return -1L >>> WORD - Math.min(count, WORD - first) << first;
    }

    /** The part in the high word of {@code count} slots from {@code first}. */
    static long rangeHigh(int first, int count) {
        int end = first + count - WORD;
        if (end <= 0) {
            return 0;
        }
        int from = Math.max(first - WORD, 0);
        return -1L >>> WORD - (end - from) << from;
    }

    /** Index of the first clear bit at or above {@code from}, 128 if there is none. */
    static int endOfRun(long low, long high, int from) {
        if (from < WORD) {
            long clear = ~low & -1L << from;
            if (clear != 0) {
                return Long.numberOfTrailingZeros(clear);
            }
            return WORD + Long.numberOfTrailingZeros(~high);
        }
        if (from >= 2 * WORD) {
            return 2 * WORD;
        }
        return WORD + Long.numberOfTrailingZeros(~high & -1L << from - WORD);
    }

    /** One more than the index of the last clear bit below {@code before}, 0 if there is none. */
    static int startOfRun(long low, long high, int before) {
        if (before > WORD) {
            long clear = ~high & -1L >>> 2 * WORD - before;
            if (clear != 0) {
                return 2 * WORD - Long.numberOfLeadingZeros(clear);
            }
            return WORD - Long.numberOfLeadingZeros(~low);
        }
        if (before == 0) {
            return 0;
        }
        return WORD - Long.numberOfLeadingZeros(~low & -1L >>> WORD - before);
    }

    /**
     * Slots of either word (low: {@code highWord} false) whose index agrees with {@code index} in
     * the bits of {@code mask}; a mask of 7 bits at most.
     */
    static long aligned(int index, int mask, boolean highWord) {
        long slots = -1L;
        for (int bits = mask; bits != 0; bits &= bits - 1) {
            int bit = Integer.numberOfTrailingZeros(bits);
            boolean set = (index >>> bit & 1) != 0;
            if (bit == 6) {
                if (set != highWord) {
                    return 0;
                }
            } else {
                slots &= set ? INDEX_BIT[bit] : ~INDEX_BIT[bit];
            }
        }
        return slots;
    }

    /**
     * Slots of a word from which a run of {@code count} does not cross a multiple of {@code
     * boundary}, a power of two up to 64, {@code count} at most {@code boundary}.
     */
    static long withinBoundary(int count, int boundary) {
        long starts = -1L >>> WORD - (boundary - count + 1);
        for (int width = boundary; width < WORD; width *= 2) {
            starts |= starts << width;
        }
        return starts;
    }
}
