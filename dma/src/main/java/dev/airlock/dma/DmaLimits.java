package dev.airlock.dma;

/**
 * What a device can address, and what its driver asks of every mapping: the {@code dma_mask} and
 * {@code dma_parms} of a Linux device, and the guest's page size. Immutable; begin with {@link
 * #STORVSC} or {@link #UNLIMITED} and change fields with the {@code with} methods.
 *
 * @param dmaMask highest address the device can reach, as a mask {@code 2^n - 1}; -1 is 64 bits
 * @param minAlignMask the bits of the original address that the DMA address keeps ({@code
 *     dma_set_min_align_mask}): 4095 keeps the offset in the Hyper-V page, which storvsc and NVMe
 *     PRP lists need. Any mask below 1 MiB, contiguous or not; 0 keeps nothing
 * @param allocAlignMask a bounced mapping begins on such a boundary and owns whole units of it
 *     ({@code alloc_align_mask} of {@code swiotlb_tbl_map_single}): {@code 2^n - 1}, below 1 MiB;
 *     with 4095 no Hyper-V page is shared by two mappings. 0 is one slot, Linux's value for
 *     streaming mappings
 * @param segmentBoundaryMask no mapping crosses a multiple of this mask + 1 ({@code
 *     dma_set_seg_boundary}): {@code 2^n - 1}, at least 4095
 * @param maxSegmentBytes largest single DMA range ({@code dma_set_max_seg_size})
 * @param guestPageBytes the guest's own page: 4, 16 or 64 KiB. Visibility and PFNs stay in 4 KiB
 *     Hyper-V pages whatever it is
 */
public record DmaLimits(
        long dmaMask,
        int minAlignMask,
        int allocAlignMask,
        long segmentBoundaryMask,
        int maxSegmentBytes,
        int guestPageBytes) {

    /** {@code DMA_BIT_MASK(64)}. */
    public static final long MASK_64_BIT = -1L;

    /** {@code DMA_BIT_MASK(32)}. */
    public static final long MASK_32_BIT = 0xFFFF_FFFFL;

    private static final int ALIGN_MASK_LIMIT = 1 << 20;
    private static final int MIN_BOUNDARY_MASK = 4095;

    /** No requirement at all, on a guest with 4 KiB pages. */
    public static final DmaLimits UNLIMITED =
            new DmaLimits(MASK_64_BIT, 0, 0, -1L, Integer.MAX_VALUE, 4096);

    /**
     * What storvsc sets ({@code storvsc_probe}: {@code dma_set_min_align_mask(HV_HYP_PAGE_SIZE -
     * 1)}, {@code vmbus_device_register}: a 64-bit mask), with Linux's default boundary of 4 GiB
     * ({@code dma_get_seg_boundary}).
     */
    public static final DmaLimits STORVSC =
            new DmaLimits(MASK_64_BIT, 4095, 0, 0xFFFF_FFFFL, Integer.MAX_VALUE, 4096);

    public DmaLimits {
        requireMask("dmaMask", dmaMask);
        requireMask("segmentBoundaryMask", segmentBoundaryMask);
        requireMask("allocAlignMask", allocAlignMask);
        if (minAlignMask < 0 || minAlignMask >= ALIGN_MASK_LIMIT) {
            throw invalid("minAlignMask", minAlignMask, "from 0 to 1 MiB - 1");
        }
        if (allocAlignMask < 0 || allocAlignMask >= ALIGN_MASK_LIMIT) {
            throw invalid("allocAlignMask", allocAlignMask, "from 0 to 1 MiB - 1");
        }
        if (Long.compareUnsigned(segmentBoundaryMask, MIN_BOUNDARY_MASK) < 0) {
            throw invalid("segmentBoundaryMask", segmentBoundaryMask, "at least 4095");
        }
        if (maxSegmentBytes < 1) {
            throw invalid("maxSegmentBytes", maxSegmentBytes, "at least 1");
        }
        if (guestPageBytes != 4 << 10 && guestPageBytes != 16 << 10 && guestPageBytes != 64 << 10) {
            throw invalid("guestPageBytes", guestPageBytes, "4096, 16384 or 65536");
        }
    }

    public DmaLimits withDmaMask(long mask) {
        return new DmaLimits(
                mask,
                minAlignMask,
                allocAlignMask,
                segmentBoundaryMask,
                maxSegmentBytes,
                guestPageBytes);
    }

    public DmaLimits withMinAlignMask(int mask) {
        return new DmaLimits(
                dmaMask,
                mask,
                allocAlignMask,
                segmentBoundaryMask,
                maxSegmentBytes,
                guestPageBytes);
    }

    public DmaLimits withAllocAlignMask(int mask) {
        return new DmaLimits(
                dmaMask, minAlignMask, mask, segmentBoundaryMask, maxSegmentBytes, guestPageBytes);
    }

    public DmaLimits withSegmentBoundaryMask(long mask) {
        return new DmaLimits(
                dmaMask, minAlignMask, allocAlignMask, mask, maxSegmentBytes, guestPageBytes);
    }

    public DmaLimits withMaxSegmentBytes(int bytes) {
        return new DmaLimits(
                dmaMask, minAlignMask, allocAlignMask, segmentBoundaryMask, bytes, guestPageBytes);
    }

    public DmaLimits withGuestPageBytes(int bytes) {
        return new DmaLimits(
                dmaMask, minAlignMask, allocAlignMask, segmentBoundaryMask, maxSegmentBytes, bytes);
    }

    /** Whether the device can be given this very range: mask, boundary and largest segment. */
    boolean reaches(long address, int bytes) {
        long last = address + bytes - 1;
        return Long.compareUnsigned(last, dmaMask) <= 0
                && ((address ^ last) & ~segmentBoundaryMask) == 0
                && bytes <= maxSegmentBytes;
    }

    private static void requireMask(String name, long mask) {
        if ((mask & mask + 1) != 0) {
            throw invalid(name, mask, "of the form 2^n - 1");
        }
    }

    private static IllegalArgumentException invalid(String name, long value, String wanted) {
        return new IllegalArgumentException(
                "DMA limit " + name + "=0x" + Long.toHexString(value) + " must be " + wanted);
    }
}
