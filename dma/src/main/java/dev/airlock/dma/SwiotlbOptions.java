package dev.airlock.dma;

/**
 * How a {@link Swiotlb} is laid out, and when mappings go through it. Immutable; begin with {@link
 * #DEFAULTS} and change fields with the {@code with} methods. Every combination that can be
 * constructed is valid.
 *
 * @param mode when a mapping bounces
 * @param slotBytes the unit of allocation: a power of two from 512 to 65,536 ({@code IO_TLB_SIZE})
 * @param segmentSlots slots of a segment, which no mapping exceeds: a power of two up to 128
 *     ({@code IO_TLB_SEGSIZE}). A larger mapping is had by larger slots
 * @param slots slots of the first pool, rounded up to whole segments
 * @param maxSlots growth adds pools up to so many slots in all; {@code slots} or less: no growth
 * @param growthSlots slots of an added pool, rounded up to whole segments; 63 pools are added at
 *     most
 * @param areas parts of a pool with a lock each, rounded up to a power of two, and down to what the
 *     pool can bear: an area has one segment at least. 0: one for each CPU
 * @param checked wrap the mapper in a {@link DmaChecker}: for tests and debugging, it allocates
 */
public record SwiotlbOptions(
        SwiotlbMode mode,
        int slotBytes,
        int segmentSlots,
        int slots,
        int maxSlots,
        int growthSlots,
        int areas,
        boolean checked) {

    /** {@code IO_TLB_SIZE}: 1 &lt;&lt; {@code IO_TLB_SHIFT}. */
    public static final int DEFAULT_SLOT_BYTES = 2048;

    /** {@code IO_TLB_SEGSIZE}. */
    public static final int DEFAULT_SEGMENT_SLOTS = 128;

    /** {@code IO_TLB_DEFAULT_SIZE}, 64 MiB. */
    public static final int DEFAULT_SLOTS = (64 << 20) / DEFAULT_SLOT_BYTES;

    private static final int MAX_AREAS = 1024;

    /** Linux's values: automatic, 64 MiB of 2 KiB slots, no growth, an area for each CPU. */
    public static final SwiotlbOptions DEFAULTS =
            new SwiotlbOptions(
                    SwiotlbMode.AUTO,
                    DEFAULT_SLOT_BYTES,
                    DEFAULT_SEGMENT_SLOTS,
                    DEFAULT_SLOTS,
                    DEFAULT_SLOTS,
                    DEFAULT_SLOTS,
                    0,
                    false);

    public SwiotlbOptions {
        if (Integer.bitCount(slotBytes) != 1 || slotBytes < 512 || slotBytes > 64 << 10) {
            throw invalid("slotBytes", slotBytes, "a power of two from 512 to 65536");
        }
        if (Integer.bitCount(segmentSlots) != 1 || segmentSlots < 1 || segmentSlots > 128) {
            throw invalid("segmentSlots", segmentSlots, "a power of two from 1 to 128");
        }
        if ((long) slotBytes * segmentSlots < 4096) {
            throw invalid("segmentSlots", segmentSlots, "a page of 4096 bytes at least");
        }
        int most = maxPoolSlots(slotBytes);
        if (slots < 1 || slots > most) {
            throw invalid("slots", slots, "from 1 to " + most);
        }
        if (maxSlots < 0 || maxSlots > most) {
            throw invalid("maxSlots", maxSlots, "from 0 to " + most);
        }
        if (growthSlots < 1 || growthSlots > most) {
            throw invalid("growthSlots", growthSlots, "from 1 to " + most);
        }
        if (areas < 0 || areas > MAX_AREAS) {
            throw invalid("areas", areas, "from 0 to " + MAX_AREAS);
        }
    }

    public SwiotlbOptions withMode(SwiotlbMode value) {
        return new SwiotlbOptions(
                value, slotBytes, segmentSlots, slots, maxSlots, growthSlots, areas, checked);
    }

    /** Another shape of slots; the pool's sizes stay what they are, in slots. */
    public SwiotlbOptions withSlots(int bytesEach, int inSegment) {
        return new SwiotlbOptions(
                mode, bytesEach, inSegment, slots, maxSlots, growthSlots, areas, checked);
    }

    /** A pool of so many bytes that does not grow. */
    public SwiotlbOptions withPoolBytes(long bytes) {
        int count = slotsOf(bytes);
        return new SwiotlbOptions(
                mode, slotBytes, segmentSlots, count, count, count, areas, checked);
    }

    /** Growth up to so many bytes in all, by so many at a time. */
    public SwiotlbOptions withGrowth(long maxBytes, long stepBytes) {
        return new SwiotlbOptions(
                mode,
                slotBytes,
                segmentSlots,
                slots,
                slotsOf(maxBytes),
                slotsOf(stepBytes),
                areas,
                checked);
    }

    public SwiotlbOptions withAreas(int count) {
        return new SwiotlbOptions(
                mode, slotBytes, segmentSlots, slots, maxSlots, growthSlots, count, checked);
    }

    public SwiotlbOptions withChecker(boolean on) {
        return new SwiotlbOptions(
                mode, slotBytes, segmentSlots, slots, maxSlots, growthSlots, areas, on);
    }

    /** Bytes of a segment, the unit in which memory is taken. */
    public int segmentBytes() {
        return slotBytes * segmentSlots;
    }

    private int slotsOf(long bytes) {
        long count = Math.ceilDiv(bytes, slotBytes);
        if (count < 1 || count > maxPoolSlots(slotBytes)) {
            throw invalid("bytes", bytes, "from 1 to 64 GiB");
        }
        return (int) count;
    }

    private static int maxPoolSlots(int slotBytes) {
        return (int) Math.min((64L << 30) / slotBytes, 1 << 30);
    }

    private static IllegalArgumentException invalid(String name, long value, String wanted) {
        return new IllegalArgumentException(
                "swiotlb option " + name + "=" + value + " must be " + wanted);
    }
}
