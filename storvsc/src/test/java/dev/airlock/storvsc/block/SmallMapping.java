package dev.airlock.storvsc.block;

import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.storvsc.IoMapping;
import dev.airlock.storvsc.WholeEntryMapping;
import java.lang.foreign.MemorySegment;

/** Finds everything above a size too large, as a pool that has been cut up would. */
final class SmallMapping implements IoMapping {
    private final IoMapping mapping;
    private final int maxBytes;

    SmallMapping(DmaMapper mapper, int maxBytes) {
        this.mapping = new WholeEntryMapping(mapper);
        this.maxBytes = maxBytes;
    }

    @Override
    public int map(
            int tag,
            Scatterlist list,
            DmaDirection direction,
            int attributes,
            MemorySegment packet,
            long at) {
        return list.totalBytes() > maxBytes
                ? TOO_LARGE
                : mapping.map(tag, list, direction, attributes, packet, at);
    }

    @Override
    public void unmap(int tag, Scatterlist list, DmaDirection direction, int attributes) {
        mapping.unmap(tag, list, direction, attributes);
    }

    @Override
    public boolean exposesCaller(int tag, Scatterlist list) {
        return mapping.exposesCaller(tag, list);
    }

    @Override
    public int slotsHeld(int tag, Scatterlist list) {
        return mapping.slotsHeld(tag, list);
    }
}
