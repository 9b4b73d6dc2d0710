package dev.airlock.jmh;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;

/** A guest's memory, its mapper, and a scatterlist to be mapped. For one thread. */
final class MappedList implements AutoCloseable {
    private static final long MEMORY_BYTES = 64L << 20;

    private final GuestMemory memory;
    private final DmaMapper mapper;
    private final Scatterlist list;
    private final int attributes;

    /**
     * @param isolated whether everything is bounced, or nothing
     * @param entries entries of the list, each apart from the next
     * @param entryBytes bytes of each, from the beginning of a page
     * @param copies whether a bounce copies in and out, or only takes and frees its slots
     */
    MappedList(boolean isolated, int entries, int entryBytes, boolean copies) {
        try {
            memory =
                    isolated
                            ? GuestMemory.isolated(MEMORY_BYTES, MEMORY_BYTES)
                            : GuestMemory.shared(MEMORY_BYTES);
        } catch (LinuxException e) {
            throw new IllegalStateException(e);
        }
        SwiotlbOptions options = SwiotlbOptions.DEFAULTS.withPoolBytes(MEMORY_BYTES / 2);
        mapper = DmaMapper.forGuest(memory, options, DmaLimits.STORVSC);
        list = new Scatterlist(entries);
        attributes =
                copies ? DmaAttributes.NONE : DmaAttributes.OVERWRITE | DmaAttributes.SKIP_CPU_SYNC;
        long gpa = HvPage.SIZE;
        for (int i = 0; i < entries; i++) {
            list.add(gpa, entryBytes);
            // A page between, so that entries never are neighbours.
            gpa += (HvPage.span(0, entryBytes) + 1) << HvPage.SHIFT;
        }
    }

    /** Maps for a read, and unmaps; returns the first address. */
    long mapAndUnmap() {
        if (mapper.mapSg(list, DmaDirection.FROM_DEVICE, attributes) <= 0) {
            throw new IllegalStateException("not mapped");
        }
        long address = list.dmaAddress(0);
        mapper.unmapSg(list, DmaDirection.FROM_DEVICE, attributes);
        return address;
    }

    /** Fails unless the list is mapped as it is meant to be. */
    void requireBounced(boolean bounced) {
        mapper.mapSg(list, DmaDirection.FROM_DEVICE, attributes);
        boolean found = mapper.isBounced(list);
        mapper.unmapSg(list, DmaDirection.FROM_DEVICE, attributes);
        if (found != bounced) {
            throw new IllegalStateException("bounced=" + found);
        }
    }

    @Override
    public void close() {
        mapper.close();
        memory.close();
    }
}
