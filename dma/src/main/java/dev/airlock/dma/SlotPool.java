package dev.airlock.dma;

/**
 * One contiguous piece of host-visible memory cut into slots, and what is mapped in them: {@code
 * struct io_tlb_pool}. It begins at a multiple of the segment size, so that a slot's index in its
 * segment is also the middle of its address, and consists of whole segments.
 *
 * <p>What is mapped is recorded once, at the slot that holds the mapping's first byte; the record
 * is private memory of the guest, out of the host's reach. Thread-safe through its areas.
 */
final class SlotPool {
    static final int NONE = SlotArea.NONE;

    // A mapping's record: its first byte's original address, and a word of bit fields.
    private static final int RECORD_WORDS = 2;
    private static final long BYTES_MASK = Integer.MAX_VALUE;
    private static final int SLOTS_SHIFT = 32;
    private static final int PAD_SHIFT = 40;
    private static final int BYTE_MASK = 0xFF;
    private static final int OFFSET_SHIFT = 48;

    final long base;
    final long bytes;
    final int slots;

    private final int slotShift;
    private final int segmentShift;
    private final SlotArea[] areas;
    private final SlotArea[] areaOfSegment;
    private final long[] records;

    /**
     * @param base guest-physical address, a multiple of the segment size
     * @param slots whole segments
     * @param areasWanted a power of two; fewer are made when there are fewer segments
     */
    SlotPool(long base, int slots, SwiotlbOptions options, int areasWanted) {
        this.base = base;
        this.slots = slots;
        slotShift = Integer.numberOfTrailingZeros(options.slotBytes());
        segmentShift = Integer.numberOfTrailingZeros(options.segmentSlots());
        bytes = (long) slots << slotShift;
        int segments = slots >>> segmentShift;
        areas = new SlotArea[Math.min(areasWanted, Integer.highestOneBit(segments))];
        areaOfSegment = new SlotArea[segments];
        int each = segments / areas.length;
        for (int i = 0; i < areas.length; i++) {
            int from = i * each;
            int to = i == areas.length - 1 ? segments : from + each;
            areas[i] = new SlotArea(from << segmentShift, to - from, options.segmentSlots());
            for (int segment = from; segment < to; segment++) {
                areaOfSegment[segment] = areas[i];
            }
        }
        records = new long[slots * RECORD_WORDS];
    }

    SlotArea[] areas() {
        return areas;
    }

    SlotArea areaOf(int slot) {
        return areaOfSegment[slot >>> segmentShift];
    }

    boolean contains(long address) {
        return Long.compareUnsigned(address - base, bytes) < 0;
    }

    /** Whether a device with this mask reaches all of it. */
    boolean isWithin(long dmaMask) {
        return Long.compareUnsigned(base + bytes - 1, dmaMask) <= 0;
    }

    /** Address of a slot's first byte. */
    long address(int slot) {
        return base + ((long) slot << slotShift);
    }

    /** The slot of an address inside the pool. */
    int slot(long address) {
        return (int) (address - base >>> slotShift);
    }

    /**
     * Takes a run of slots in any area, the caller's preferred one first. An area whose lock is
     * taken is passed over while there are others to try.
     *
     * @param preferred any number
     * @return index of the first slot, or {@link #NONE} when no area has such a run
     */
    int claim(int preferred, int wanted, long allowedLow, long allowedHigh, int bytes, int copied) {
        int mask = areas.length - 1;
        boolean passedOver = false;
        for (int i = 0; i <= mask; i++) {
            SlotArea area = areas[preferred + i & mask];
            if (!area.mayHold(wanted)) {
                continue;
            }
            if (!area.tryLock()) {
                passedOver = true;
                continue;
            }
            int slot = claimLocked(area, wanted, allowedLow, allowedHigh, bytes, copied);
            if (slot != NONE) {
                return slot;
            }
        }
        if (passedOver) {
            for (int i = 0; i <= mask; i++) {
                SlotArea area = areas[preferred + i & mask];
                if (area.mayHold(wanted)) {
                    area.lock();
                    int slot = claimLocked(area, wanted, allowedLow, allowedHigh, bytes, copied);
                    if (slot != NONE) {
                        return slot;
                    }
                }
            }
        }
        return NONE;
    }

    private static int claimLocked(
            SlotArea area, int wanted, long allowedLow, long allowedHigh, int bytes, int copied) {
        try {
            int slot = area.claim(wanted, allowedLow, allowedHigh);
            if (slot != NONE) {
                area.countMapped(bytes, copied);
            }
            return slot;
        } finally {
            area.unlock();
        }
    }

    /**
     * Records a mapping in claimed slots.
     *
     * @param slot the one that holds the first byte
     * @param pad claimed slots before it
     * @param claimed slots in all
     * @param offset of the first byte in its slot
     */
    void record(int slot, long originalGpa, int bytes, int pad, int claimed, int offset) {
        records[slot * RECORD_WORDS] = originalGpa;
        records[slot * RECORD_WORDS + 1] =
                (long) offset << OFFSET_SHIFT
                        | (long) pad << PAD_SHIFT
                        | (long) claimed << SLOTS_SHIFT
                        | bytes;
    }

    /** The bit fields of the mapping that begins in a slot, or 0: none does. */
    long fields(int slot) {
        return records[slot * RECORD_WORDS + 1];
    }

    /** Original address of the first byte of the mapping that begins in a slot. */
    long originalGpa(int slot) {
        return records[slot * RECORD_WORDS];
    }

    static int bytesOf(long fields) {
        return (int) (fields & BYTES_MASK);
    }

    static int slotsOf(long fields) {
        return (int) (fields >>> SLOTS_SHIFT) & BYTE_MASK;
    }

    static int padOf(long fields) {
        return (int) (fields >>> PAD_SHIFT) & BYTE_MASK;
    }

    static int offsetOf(long fields) {
        return (int) (fields >>> OFFSET_SHIFT);
    }

    /**
     * Ends the mapping that begins in a slot, if it is still the one that the caller saw.
     *
     * @param expected what {@link #fields} returned
     * @return false when somebody else has ended it meanwhile
     */
    boolean release(int slot, long expected, int copiedOut) {
        SlotArea area = areaOf(slot);
        area.lock();
        try {
            if (fields(slot) != expected) {
                return false;
            }
            records[slot * RECORD_WORDS + 1] = 0;
            area.release(slot - padOf(expected), slotsOf(expected));
            area.countOut(copiedOut);
            return true;
        } finally {
            area.unlock();
        }
    }

    /** Counts bytes copied by a sync of the mapping that begins in a slot. */
    void countSync(int slot, int bytes, boolean out) {
        SlotArea area = areaOf(slot);
        area.lock();
        if (out) {
            area.countOut(bytes);
        } else {
            area.countIn(bytes);
        }
        area.unlock();
    }

    /**
     * The slot in which the mapping around an address begins, or {@link #NONE}: its own or one
     * before it in the segment.
     */
    int findMapping(long address) {
        int slot = slot(address);
        int segmentStart = slot >>> segmentShift << segmentShift;
        for (int at = slot; at >= segmentStart; at--) {
            long fields = fields(at);
            if (fields != 0) {
                long into = address - address(at) - offsetOf(fields);
                return into >= 0 && into < bytesOf(fields) ? at : NONE;
            }
        }
        return NONE;
    }
}
