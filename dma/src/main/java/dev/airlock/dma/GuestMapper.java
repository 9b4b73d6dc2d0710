package dev.airlock.dma;

import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.PageAllocator;

/** What the mappers of a {@link GuestMemory} have in common: identity, and coherent memory. */
abstract class GuestMapper extends DmaMapper {
    final GuestMemory memory;
    private final DmaLimits limits;
    private final long memoryBytes;
    private final StripedCounter directMappings = new StripedCounter();

    GuestMapper(GuestMemory memory, DmaLimits limits) {
        super(limits);
        this.memory = memory;
        this.limits = limits;
        memoryBytes = memory.bytes().byteSize();
    }

    @Override
    public final long allocateCoherent(long bytes) {
        long whole = coherentBytes(bytes);
        PageAllocator pages = memory.visiblePages();
        long gpa = pages.allocate(whole, limits.guestPageBytes());
        if (gpa == PageAllocator.NONE) {
            return MAPPING_ERROR;
        }
        if (Long.compareUnsigned(gpa + whole - 1, limits.dmaMask()) > 0) {
            pages.free(gpa, whole);
            return MAPPING_ERROR;
        }
        memory.bytes().asSlice(gpa, whole).fill((byte) 0);
        return gpa;
    }

    @Override
    public final void freeCoherent(long gpa, long bytes) {
        memory.visiblePages().free(gpa, coherentBytes(bytes));
    }

    /**
     * @throws IndexOutOfBoundsException when a range is not the guest's memory
     */
    final void checkRange(long gpa, int bytes) {
        if (gpa < 0 || bytes < 1 || gpa > memoryBytes - bytes) {
            throw new IndexOutOfBoundsException(
                    "mapping gpa=0x%x bytes=%d of guest memory bytes=0x%x"
                            .formatted(gpa, bytes, memoryBytes));
        }
    }

    /** What can be checked of a sync of an identity mapping, which copies nothing. */
    final void checkSync(long dma, int offset, int bytes) {
        if (offset < 0 || bytes < 0 || dma < 0 || offset > memoryBytes - dma - bytes) {
            throw new IndexOutOfBoundsException(
                    "sync dma=0x%x offset=%d bytes=%d of guest memory bytes=0x%x"
                            .formatted(dma, offset, bytes, memoryBytes));
        }
    }

    /**
     * Adds an identity range to a list that is being mapped.
     *
     * @param joinable whether the last range is an identity mapping too
     */
    final void appendDirect(Scatterlist list, long gpa, int bytes, boolean joinable) {
        if (joinable) {
            int last = list.dmaEntries() - 1;
            long start = list.dmaAddress(last);
            int joined = list.dmaBytes(last) + bytes;
            if (start + joined == gpa + bytes && joined > 0 && limits.reaches(start, joined)) {
                list.extendLastDma(bytes);
                return;
            }
        }
        list.appendDma(gpa, bytes);
    }

    final void countDirect(int mappings) {
        directMappings.add(mappings);
    }

    final long directMappings() {
        return directMappings.sum();
    }
}
