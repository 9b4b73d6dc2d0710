package dev.airlock.storvsc;

import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.GpaDirectPacket;
import java.lang.foreign.MemorySegment;

/**
 * The product's mapping: one {@code mapSg} for the whole list, then a walk of the DMA addresses a 4
 * KiB page at a time into the PFN array. Nothing is remembered beside what the scatterlist holds
 * (Linux {@code storvsc_queuecommand} with {@code scsi_dma_map}). Stateless, any thread.
 */
public final class WholeEntryMapping implements IoMapping {
    private final DmaMapper mapper;

    /** Maps through this API, which must keep in-page offsets (minAlignMask 4095). */
    public WholeEntryMapping(DmaMapper mapper) {
        this.mapper = mapper;
    }

    @Override
    public int map(
            int tag,
            Scatterlist list,
            DmaDirection direction,
            int attributes,
            MemorySegment packet,
            long at) {
        int mapped = mapper.mapSg(list, direction, attributes);
        if (mapped <= 0) {
            return mapped == DmaMapper.BUSY ? BUSY : TOO_LARGE;
        }
        int pages = 0;
        for (int entry = 0; entry < mapped; entry++) {
            long address = list.dmaAddress(entry);
            long lastPfn = (address + list.dmaBytes(entry) - 1) >>> HvPage.SHIFT;
            for (long pfn = address >>> HvPage.SHIFT; pfn <= lastPfn; pfn++) {
                GpaDirectPacket.putPfn(packet, at, pages++, pfn);
            }
        }
        return pages;
    }

    @Override
    public void unmap(int tag, Scatterlist list, DmaDirection direction, int attributes) {
        mapper.unmapSg(list, direction, attributes);
    }

    @Override
    public boolean honoursOverwrite() {
        return true;
    }

    @Override
    public void syncForCpu(int tag, Scatterlist list, long bytes, DmaDirection direction) {
        mapper.syncSgForCpu(list, 0, bytes, direction);
    }

    @Override
    public boolean exposesCaller(int tag, Scatterlist list) {
        return mapper.exposesBuffer(list);
    }

    @Override
    public int slotsHeld(int tag, Scatterlist list) {
        return mapper.slotsHeld(list);
    }
}
