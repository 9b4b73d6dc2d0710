package dev.airlock.dma;

/**
 * How the mappings of one device lie in slots: its {@link DmaLimits} worked out for a pool's slot
 * and segment size. Immutable.
 *
 * <p>Terms are those of {@code swiotlb_tbl_map_single}: of the original address, the bits in {@code
 * minAlignMask} are kept. Those below the slot size, or below the allocation's alignment, are kept
 * by leaving room before the data (pre-padding; whole slots of it are pad slots); those above by
 * beginning at a slot whose address has them.
 *
 * <pre>
 *   |&lt;- slots, from an aligned slot -------------------------------&gt;|
 *   | pad slots | in-slot offset | data: bytes          | post-pad    |
 *   |&lt;- offset = gpa &amp; offsetMask -&gt;|^ DMA address
 * </pre>
 */
final class SlotGeometry {
    final int slotBytes;
    final int slotShift;
    final int slotMask;
    final long dmaMask;
    final int maxMappingBytes;

    private final int minAlignMask;
    private final int offsetMask;
    private final int allocAlignMask;

    /** Bits of a slot's index that an allocation's first slot may not choose. */
    private final int alignedSlotMask;

    /** The same for mappings of a guest page and more. */
    private final int pageAlignedSlotMask;

    private final int guestPageBytes;

    /** Slots between two segment boundaries, or 0 when those cannot fall inside a segment. */
    private final int boundarySlots;

    /**
     * @throws IllegalArgumentException when the limits leave no room for any mapping
     */
    SlotGeometry(DmaLimits limits, SwiotlbOptions options) {
        slotBytes = options.slotBytes();
        slotShift = Integer.numberOfTrailingZeros(slotBytes);
        slotMask = slotBytes - 1;
        dmaMask = limits.dmaMask();
        minAlignMask = limits.minAlignMask();
        guestPageBytes = limits.guestPageBytes();
        allocAlignMask = limits.allocAlignMask() | slotMask;
        offsetMask = minAlignMask & allocAlignMask;
        alignedSlotMask = (minAlignMask | allocAlignMask) >>> slotShift;
        // swiotlb_search_pool_area: with no other wish, what fills a page begins at a page.
        int segmentBytes = options.segmentBytes();
        boolean noWish = minAlignMask == 0 && limits.allocAlignMask() == 0;
        boolean pageFits = guestPageBytes <= segmentBytes;
        pageAlignedSlotMask =
                alignedSlotMask | (noWish && pageFits ? (guestPageBytes - 1) >>> slotShift : 0);

        long boundaryBytes = limits.segmentBoundaryMask() + 1; // 0: the whole 64-bit space
        boolean inside = boundaryBytes > 0 && boundaryBytes < segmentBytes;
        boundarySlots = inside ? (int) (boundaryBytes >>> slotShift) : 0;
        int room = inside ? (int) boundaryBytes : segmentBytes;
        int forAlignment = roundUp(minAlignMask, slotBytes);
        int usable = room / (allocAlignMask + 1) * (allocAlignMask + 1) - forAlignment;
        maxMappingBytes = Math.min(usable, limits.maxSegmentBytes());
        if (usable <= 0) {
            throw new IllegalArgumentException(
                    "no mapping fits a swiotlb segment of bytes="
                            + segmentBytes
                            + " slotBytes="
                            + slotBytes
                            + " under "
                            + limits);
        }
    }

    /** Bytes between the first slot of an allocation and the DMA address. */
    int offset(long gpa) {
        return (int) gpa & offsetMask;
    }

    /** Slots of an allocation. */
    int slots(int offset, int bytes) {
        return roundUp(offset + bytes, allocAlignMask + 1) >>> slotShift;
    }

    /**
     * Slots of one word of any segment at which an allocation may begin. Segments begin at
     * multiples of their size, so that a slot's index in its segment stands for its address.
     */
    long allowedStarts(long gpa, int bytes, int slots, boolean highWord) {
        int mask = bytes >= guestPageBytes ? pageAlignedSlotMask : alignedSlotMask;
        int index = (int) (gpa & minAlignMask & ~allocAlignMask) >>> slotShift;
        long starts = SlotBits.aligned(index, mask, highWord);
        if (boundarySlots != 0 && boundarySlots <= Long.SIZE) {
            starts &= SlotBits.withinBoundary(slots, boundarySlots);
        }
        return starts;
    }

    private static int roundUp(int value, int unit) {
        return Math.ceilDiv(value, unit) * unit;
    }
}
