package dev.airlock.dma;

import dev.airlock.memory.GuestMemory;

/**
 * Maps through a {@link Swiotlb} what the device may not see or reach, and by identity what it may
 * ({@code dma_direct_map_page} with swiotlb): in an isolated guest a buffer that is host-visible as
 * a whole is not copied. {@link SwiotlbMode#FORCE} bounces that as well.
 */
public final class BounceMapper extends GuestMapper {
    private final DmaLimits limits;
    private final Swiotlb swiotlb;
    private final SlotGeometry geometry;
    private final boolean force;
    private final boolean ownsPool;

    /**
     * @param memory must outlive the mapper
     * @param swiotlb of the same memory; may be shared with other mappers, stays the caller's
     * @throws IllegalArgumentException when the limits leave no room for any mapping in a segment,
     *     or the device does not reach the pool
     */
    public BounceMapper(GuestMemory memory, Swiotlb swiotlb, DmaLimits limits) {
        this(memory, swiotlb, limits, false);
    }

    private BounceMapper(GuestMemory memory, Swiotlb swiotlb, DmaLimits limits, boolean ownsPool) {
        super(memory, limits);
        this.limits = limits;
        this.swiotlb = swiotlb;
        this.ownsPool = ownsPool;
        geometry = new SlotGeometry(limits, swiotlb.options());
        force = swiotlb.options().mode() == SwiotlbMode.FORCE;
        if (!swiotlb.isReachable(geometry)) {
            throw new IllegalArgumentException(
                    "the bounce pool lies beyond the device's dmaMask=0x"
                            + Long.toHexString(limits.dmaMask()));
        }
    }

    /** With a pool that {@link #close} gives back. */
    static BounceMapper withOwnPool(GuestMemory memory, SwiotlbOptions options, DmaLimits limits) {
        Swiotlb swiotlb = new Swiotlb(memory, options);
        try {
            return new BounceMapper(memory, swiotlb, limits, true);
        } catch (RuntimeException e) {
            swiotlb.close();
            throw e;
        }
    }

    @Override
    public long mapSingle(long gpa, int bytes, DmaDirection direction, int attributes) {
        checkRange(gpa, bytes);
        if (isDirect(gpa, bytes)) {
            countDirect(1);
            return gpa;
        }
        if (bytes > geometry.maxMappingBytes) {
            return MAPPING_ERROR;
        }
        long dma = swiotlb.map(geometry, gpa, bytes, copiesIn(direction, attributes));
        return dma == Swiotlb.FULL ? MAPPING_ERROR : dma;
    }

    @Override
    public void unmapSingle(long dma, int bytes, DmaDirection direction, int attributes) {
        if (!swiotlb.unmap(dma, bytes, copiesOut(direction, attributes))) {
            checkRange(dma, bytes);
        }
    }

    @Override
    public int mapSg(Scatterlist list, DmaDirection direction, int attributes) {
        list.requireMappable();
        boolean copyIn = copiesIn(direction, attributes);
        int entries = list.entries();
        int direct = 0;
        boolean lastDirect = false;
        for (int i = 0; i < entries; i++) {
            long gpa = list.gpa(i);
            int bytes = list.bytes(i);
            checkRangeOf(list, gpa, bytes);
            if (isDirect(gpa, bytes)) {
                appendDirect(list, gpa, bytes, lastDirect);
                lastDirect = true;
                direct++;
                continue;
            }
            if (bytes > geometry.maxMappingBytes) {
                rollBack(list);
                return TOO_LARGE;
            }
            long dma = swiotlb.map(geometry, gpa, bytes, copyIn);
            if (dma == Swiotlb.FULL) {
                boolean never = swiotlb.isTooSmall(geometry, gpa, bytes, slotsHeld(list));
                rollBack(list);
                return never ? TOO_LARGE : BUSY;
            }
            list.appendDma(dma, bytes);
            lastDirect = false;
        }
        if (direct > 0) {
            countDirect(direct);
        }
        return list.dmaEntries();
    }

    @Override
    public void unmapSg(Scatterlist list, DmaDirection direction, int attributes) {
        list.requireMapped();
        unmapAll(list, copiesOut(direction, attributes));
    }

    @Override
    public void syncForCpu(long dma, int offset, int bytes, DmaDirection direction) {
        sync(dma, offset, bytes, true, direction.fromDevice());
    }

    @Override
    public void syncForDevice(long dma, int offset, int bytes, DmaDirection direction) {
        sync(dma, offset, bytes, false, direction.toDevice());
    }

    @Override
    public int maxMappingBytes() {
        return geometry.maxMappingBytes;
    }

    @Override
    public boolean isBounced(long dma) {
        return swiotlb.contains(dma);
    }

    @Override
    public int slotsHeld(long dma) {
        return swiotlb.slotsAt(dma);
    }

    @Override
    public int slotsHeld(Scatterlist list) {
        int slots = 0;
        int n = list.dmaEntries();
        for (int i = 0; i < n; i++) {
            slots += swiotlb.slotsAt(list.dmaAddress(i));
        }
        return slots;
    }

    @Override
    public DmaStatistics statistics() {
        return swiotlb.statistics(directMappings());
    }

    @Override
    public void close() {
        if (ownsPool) {
            swiotlb.close();
        }
    }

    private boolean isDirect(long gpa, int bytes) {
        return !force && memory.isVisible(gpa, bytes) && limits.reaches(gpa, bytes);
    }

    private static boolean copiesIn(DmaDirection direction, int attributes) {
        return direction.toDevice() || (attributes & DmaAttributes.OVERWRITE) == 0;
    }

    private static boolean copiesOut(DmaDirection direction, int attributes) {
        return direction.fromDevice() && (attributes & DmaAttributes.SKIP_CPU_SYNC) == 0;
    }

    private void sync(long dma, int offset, int bytes, boolean out, boolean copy) {
        if (!swiotlb.sync(dma, offset, bytes, out, copy)) {
            checkSync(dma, offset, bytes);
        }
    }

    private void checkRangeOf(Scatterlist list, long gpa, int bytes) {
        try {
            checkRange(gpa, bytes);
        } catch (IndexOutOfBoundsException e) {
            rollBack(list);
            throw e;
        }
    }

    /** Frees what a list has mapped so far, without touching the caller's memory. */
    private void rollBack(Scatterlist list) {
        unmapAll(list, false);
    }

    private void unmapAll(Scatterlist list, boolean copyOut) {
        int n = list.dmaEntries();
        for (int i = 0; i < n; i++) {
            swiotlb.unmap(list.dmaAddress(i), list.dmaBytes(i), copyOut);
        }
        list.clearDma();
    }
}
