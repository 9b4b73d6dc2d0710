package dev.airlock.dma;

import dev.airlock.memory.GuestMemory;

/**
 * Identity: the DMA address is the guest-physical address, nothing is copied ({@code
 * kernel/dma/direct.c} without swiotlb). What the device cannot reach, or, in an isolated guest,
 * the host cannot see, is refused.
 */
public final class DirectMapper extends GuestMapper {
    private final DmaLimits limits;
    private final boolean allVisible;

    /**
     * @param memory must outlive the mapper
     */
    public DirectMapper(GuestMemory memory, DmaLimits limits) {
        super(memory, limits);
        this.limits = limits;
        allVisible = !memory.isIsolated();
    }

    @Override
    public long mapSingle(long gpa, int bytes, DmaDirection direction, int attributes) {
        checkRange(gpa, bytes);
        if (!isPossible(gpa, bytes)) {
            return MAPPING_ERROR;
        }
        countDirect(1);
        return gpa;
    }

    @Override
    public void unmapSingle(long dma, int bytes, DmaDirection direction, int attributes) {
        checkRange(dma, bytes);
    }

    @Override
    public int mapSg(Scatterlist list, DmaDirection direction, int attributes) {
        list.requireMappable();
        int entries = list.entries();
        for (int i = 0; i < entries; i++) {
            long gpa = list.gpa(i);
            int bytes = list.bytes(i);
            checkRange(gpa, bytes);
            if (!isPossible(gpa, bytes)) {
                list.clearDma();
                return TOO_LARGE;
            }
            appendDirect(list, gpa, bytes, i > 0);
        }
        countDirect(entries);
        return list.dmaEntries();
    }

    @Override
    public void unmapSg(Scatterlist list, DmaDirection direction, int attributes) {
        list.requireMapped();
        list.clearDma();
    }

    @Override
    public void syncForCpu(long dma, int offset, int bytes, DmaDirection direction) {
        checkSync(dma, offset, bytes);
    }

    @Override
    public void syncForDevice(long dma, int offset, int bytes, DmaDirection direction) {
        checkSync(dma, offset, bytes);
    }

    @Override
    public int maxMappingBytes() {
        long boundaryBytes = limits.segmentBoundaryMask() + 1;
        int most = limits.maxSegmentBytes();
        return boundaryBytes > 0 && boundaryBytes < most ? (int) boundaryBytes : most;
    }

    @Override
    public boolean isBounced(long dma) {
        return false;
    }

    @Override
    public int slotsHeld(long dma) {
        return 0;
    }

    @Override
    public int slotsHeld(Scatterlist list) {
        return 0;
    }

    @Override
    public DmaStatistics statistics() {
        return new DmaStatistics(directMappings(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    /** Does nothing: the mapper owns no memory. */
    @Override
    public void close() {}

    private boolean isPossible(long gpa, int bytes) {
        return limits.reaches(gpa, bytes) && (allVisible || memory.isVisible(gpa, bytes));
    }
}
