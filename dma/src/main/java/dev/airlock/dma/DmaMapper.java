package dev.airlock.dma;

import dev.airlock.memory.GuestMemory;

/**
 * The mapping calls of one device: they turn guest memory into addresses that the device, the
 * untrusted host, may use, and back. The rules are Linux's ({@code
 * Documentation/core-api/dma-api.rst}):
 *
 * <ul>
 *   <li>A mapping is known by its DMA address alone. Whoever holds the address may unmap it, from
 *       any thread.
 *   <li>From map to unmap the buffer belongs to the device. The CPU may look at it, or change it,
 *       between {@link #syncForCpu} and {@link #syncForDevice} only.
 *   <li>Unmap with the same size and direction as mapped. A wrong size, or an address that is not
 *       mapped, is a bug of the caller and throws where it can be seen cheaply; {@link DmaChecker}
 *       sees all of it.
 *   <li>Full is a result ({@link #BUSY}), never a wait.
 * </ul>
 *
 * <p>All methods are safe for use by many threads at once (a {@link Scatterlist} has one owner). No
 * mapping, unmapping or sync call allocates, blocks or holds a lock while it copies.
 */
public abstract class DmaMapper implements AutoCloseable {
    /**
     * Returned by {@link #mapSingle} and {@link #mapPage}: no slots are free, try again; or it can
     * never be mapped, being larger than {@link #maxMappingBytes} or out of the device's reach.
     */
    public static final long MAPPING_ERROR = -1;

    /** Returned by {@link #mapSg}: the pool is full, nothing is mapped, try again later. */
    public static final int BUSY = 0;

    /**
     * Returned by {@link #mapSg}: the list can never be mapped as it is, nothing is mapped. An
     * entry is larger than {@link #maxMappingBytes} or out of the device's reach, or the list needs
     * more slots than the pool has.
     */
    public static final int TOO_LARGE = -1;

    private final DmaLimits limits;

    DmaMapper(DmaLimits limits) {
        this.limits = limits;
    }

    /**
     * The mapper a guest needs for a device, with a pool of its own if it bounces; {@link #close}
     * gives that back. A guest that shares all its memory maps directly, unless bouncing is forced
     * or the device's mask does not reach all of it.
     *
     * @param memory must outlive the mapper
     */
    public static DmaMapper forGuest(GuestMemory memory, SwiotlbOptions options, DmaLimits limits) {
        boolean reachesAll =
                Long.compareUnsigned(memory.bytes().byteSize() - 1, limits.dmaMask()) <= 0;
        boolean bounces =
                switch (options.mode()) {
                    case OFF -> false;
                    case AUTO -> memory.isIsolated() || !reachesAll;
                    case FORCE -> true;
                };
        DmaMapper mapper =
                bounces
                        ? BounceMapper.withOwnPool(memory, options, limits)
                        : new DirectMapper(memory, limits);
        return options.checked() ? new DmaChecker(mapper) : mapper;
    }

    /** What this mapper's device can address. */
    public final DmaLimits limits() {
        return limits;
    }

    /**
     * Maps a contiguous range of guest memory.
     *
     * @param gpa guest-physical address of its first byte
     * @param bytes at least 1
     * @param attributes of {@link DmaAttributes}
     * @return its DMA address, whose bits under {@code minAlignMask} are those of {@code gpa}, or
     *     {@link #MAPPING_ERROR}
     * @throws IndexOutOfBoundsException when the range is not guest memory
     */
    public abstract long mapSingle(long gpa, int bytes, DmaDirection direction, int attributes);

    /**
     * Ends a mapping; the device must not use it any more. What the device wrote is in the caller's
     * buffer then, unless {@link DmaAttributes#SKIP_CPU_SYNC}.
     *
     * @param dma as {@link #mapSingle} returned it
     * @throws IllegalStateException when nothing, or something of another size, is mapped there,
     *     and it shows
     */
    public abstract void unmapSingle(long dma, int bytes, DmaDirection direction, int attributes);

    /**
     * Maps a range that begins inside a guest page; it may run on over physically adjacent ones
     * ({@code dma_map_page}).
     *
     * @param pageGpa address of the guest page, a multiple of {@link DmaLimits#guestPageBytes}
     * @param offset of the range in that page, in bytes
     * @return as {@link #mapSingle}
     */
    public final long mapPage(
            long pageGpa, int offset, int bytes, DmaDirection direction, int attributes) {
        int pageBytes = limits.guestPageBytes();
        if ((pageGpa & pageBytes - 1) != 0 || offset < 0 || offset >= pageBytes) {
            throw badPage(pageGpa, offset);
        }
        return mapSingle(pageGpa + offset, bytes, direction, attributes);
    }

    /** Ends a mapping made by {@link #mapPage}; the same as {@link #unmapSingle}. */
    public final void unmapPage(long dma, int bytes, DmaDirection direction, int attributes) {
        unmapSingle(dma, bytes, direction, attributes);
    }

    /**
     * Maps every entry of a list, each whole, or nothing. Identity mappings that follow each other
     * in memory become one DMA range, within {@code maxSegmentBytes} and the segment boundary.
     *
     * @return the number of DMA ranges, at least 1; {@link #BUSY}; or {@link #TOO_LARGE}
     * @throws IllegalStateException when the list is mapped already
     * @throws IllegalArgumentException when it is empty
     */
    public abstract int mapSg(Scatterlist list, DmaDirection direction, int attributes);

    /**
     * Ends the mapping of a list, as {@link #unmapSingle}.
     *
     * @throws IllegalStateException when the list is not mapped
     */
    public abstract void unmapSg(Scatterlist list, DmaDirection direction, int attributes);

    /**
     * Gives a part of a mapping back to the CPU: what the device wrote there so far is in the
     * caller's buffer after it.
     *
     * @param dma the mapping's address, or an address inside it
     * @param offset first byte of the part, from {@code dma}
     * @param bytes of the part, which must lie inside the mapping
     * @throws IndexOutOfBoundsException when it does not
     */
    public abstract void syncForCpu(long dma, int offset, int bytes, DmaDirection direction);

    /** Gives a part of a mapping to the device again, after the CPU changed it. As above. */
    public abstract void syncForDevice(long dma, int offset, int bytes, DmaDirection direction);

    /**
     * {@link #syncForCpu} for a part of a mapped list: a driver that learns of a short transfer
     * copies out what the device did write.
     *
     * @param offset of the part in the bytes of the list
     */
    public final void syncSgForCpu(
            Scatterlist list, long offset, long bytes, DmaDirection direction) {
        syncSg(list, offset, bytes, direction, true);
    }

    /** {@link #syncForDevice} for a part of a mapped list. */
    public final void syncSgForDevice(
            Scatterlist list, long offset, long bytes, DmaDirection direction) {
        syncSg(list, offset, bytes, direction, false);
    }

    /**
     * Takes memory that CPU and device see alike, always, with no mapping and no sync: rings,
     * request tables, and buffers that are to need no bounce. Zeroed; aligned to, and in units of,
     * the guest's pages. A cold call.
     *
     * @return its guest-physical address, which is its DMA address, or {@link #MAPPING_ERROR} when
     *     there is no such memory left within the device's reach
     */
    public abstract long allocateCoherent(long bytes);

    /**
     * Returns what {@link #allocateCoherent} gave; the device must not use it any more.
     *
     * @param bytes as it was allocated
     */
    public abstract void freeCoherent(long gpa, long bytes);

    /**
     * Leaves what {@link #allocateCoherent} gave to a device that may use it for ever: it is never
     * given out again, and it is no leak.
     */
    public void abandonCoherent(long gpa, long bytes) {
        // The pages stay taken until the guest's memory goes.
    }

    /** Bytes of the largest range that can be mapped, whatever its offset in its page. */
    public abstract int maxMappingBytes();

    /**
     * Bytes up to which a larger mapping is no dearer than several small ones. As in Linux without
     * an IOMMU there is no such point before {@link #maxMappingBytes}.
     */
    public int optimalMappingBytes() {
        return maxMappingBytes();
    }

    /** Whether a DMA address lies in bounce slots, so that the caller's buffer is not exposed. */
    public abstract boolean isBounced(long dma);

    /** Whether any part of a mapped list lies in bounce slots. */
    public final boolean isBounced(Scatterlist list) {
        int n = list.dmaEntries();
        for (int i = 0; i < n; i++) {
            if (isBounced(list.dmaAddress(i))) {
                return true;
            }
        }
        return false;
    }

    /** Whether the device can reach a part of the caller's own buffer through a mapped list. */
    public final boolean exposesBuffer(Scatterlist list) {
        int n = list.dmaEntries();
        for (int i = 0; i < n; i++) {
            if (!isBounced(list.dmaAddress(i))) {
                return true;
            }
        }
        return false;
    }

    /** Bounce slots of the mapping that begins at a DMA address; 0 when it is not bounced. */
    public abstract int slotsHeld(long dma);

    /** Bounce slots that a mapped list holds. */
    public abstract int slotsHeld(Scatterlist list);

    /** Counters so far. A cold call, which allocates. */
    public abstract DmaStatistics statistics();

    /**
     * Gives back what the mapper itself owns: the pool, if it was made for this mapper alone. The
     * users must have ended.
     *
     * @throws IllegalStateException when slots are still in use
     */
    @Override
    public abstract void close();

    private void syncSg(
            Scatterlist list, long offset, long bytes, DmaDirection direction, boolean forCpu) {
        list.requireMapped();
        if (offset < 0 || bytes < 0 || bytes > list.totalBytes() - offset) {
            throw new IndexOutOfBoundsException(
                    "sync offset="
                            + offset
                            + " bytes="
                            + bytes
                            + " of a list of bytes="
                            + list.totalBytes());
        }
        long skip = offset;
        long left = bytes;
        for (int i = 0; left > 0; i++) {
            int length = list.dmaBytes(i);
            if (skip >= length) {
                skip -= length;
                continue;
            }
            int part = (int) Math.min(length - skip, left);
            if (forCpu) {
                syncForCpu(list.dmaAddress(i), (int) skip, part, direction);
            } else {
                syncForDevice(list.dmaAddress(i), (int) skip, part, direction);
            }
            left -= part;
            skip = 0;
        }
    }

    /** {@code bytes} in whole guest pages. */
    final long coherentBytes(long bytes) {
        if (bytes < 1 || bytes > 1L << 40) {
            throw new IllegalArgumentException("coherent allocation of bytes=" + bytes);
        }
        int page = limits.guestPageBytes();
        return Math.ceilDiv(bytes, page) * page;
    }

    private IllegalArgumentException badPage(long pageGpa, int offset) {
        return new IllegalArgumentException(
                "page gpa=0x"
                        + Long.toHexString(pageGpa)
                        + " offset="
                        + offset
                        + " guestPageBytes="
                        + limits.guestPageBytes());
    }
}
