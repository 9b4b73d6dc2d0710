package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;
import dev.airlock.storvsc.IoMapping;
import dev.airlock.vmbus.GpaDirectPacket;
import java.lang.foreign.MemorySegment;

/**
 * A driver that does not notice when the DMA API has not kept the offset in the page: it sends as
 * many PFNs as the original buffer touches, and an offset by {@link OffsetRule}. The product
 * refuses to send such a packet. To see what a host then reads; one I/O at a time, from one thread.
 */
final class BlindMapping implements IoMapping {
    private final DmaMapper mapper;
    private final IoMapping perPage;
    private volatile OffsetRule rule = OffsetRule.ENTRY_ORIGINAL;
    private volatile boolean mappedPerPage;
    private volatile Packet last = new Packet(0, 0, new long[0]);

    /**
     * What was sent.
     *
     * @param dmaOffset where the data begins in its first page
     * @param rangeOffset where the packet says that it does
     * @param pfns of the packet
     */
    record Packet(int dmaOffset, int rangeOffset, long[] pfns) {}

    BlindMapping(DmaMapper mapper, int tags) {
        this.mapper = mapper;
        perPage = new PerPageMapping(mapper, tags);
    }

    /** What to do with the next I/O; nothing may be in flight. */
    void use(OffsetRule next) {
        rule = next;
    }

    /** The last packet. */
    Packet last() {
        return last;
    }

    @Override
    public int map(
            int tag,
            Scatterlist list,
            DmaDirection direction,
            int attributes,
            MemorySegment packet,
            long at) {
        OffsetRule now = rule;
        int offset = (int) list.gpa(0) & HvPage.MASK;
        int pages = (int) HvPage.span(offset, list.totalBytes());
        mappedPerPage = now.isPerPage();
        int result =
                now.isPerPage()
                        ? perPage.map(tag, list, direction, attributes, packet, at)
                        : mapper.mapSg(list, direction, attributes);
        if (result <= 0) {
            return result == DmaMapper.TOO_LARGE ? TOO_LARGE : BUSY;
        }
        int dmaOffset = (int) GpaDirectPacket.byteOffset(packet, at);
        if (!now.isPerPage()) {
            dmaOffset = (int) list.dmaAddress(0) & HvPage.MASK;
            walk(list, pages, packet, at);
        }
        GpaDirectPacket.putByteOffset(packet, at, now.isSetAgain() ? dmaOffset : offset);
        long[] pfns = new long[pages];
        for (int i = 0; i < pages; i++) {
            pfns[i] = GpaDirectPacket.pfn(packet, at, i);
        }
        last = new Packet(dmaOffset, (int) GpaDirectPacket.byteOffset(packet, at), pfns);
        return pages;
    }

    /** As many PFNs as the driver counted before it mapped, whatever the DMA addresses span. */
    private static void walk(Scatterlist list, int pages, MemorySegment packet, long at) {
        int page = 0;
        long next = 0;
        for (int range = 0; range < list.dmaEntries(); range++) {
            long address = list.dmaAddress(range);
            long lastPfn = (address + list.dmaBytes(range) - 1) >>> HvPage.SHIFT;
            for (next = address >>> HvPage.SHIFT; next <= lastPfn && page < pages; next++) {
                GpaDirectPacket.putPfn(packet, at, page++, next);
            }
        }
        while (page < pages) {
            GpaDirectPacket.putPfn(packet, at, page++, next++);
        }
    }

    @Override
    public void unmap(int tag, Scatterlist list, DmaDirection direction, int attributes) {
        if (mappedPerPage) {
            perPage.unmap(tag, list, direction, attributes);
        } else {
            mapper.unmapSg(list, direction, attributes);
        }
    }

    @Override
    public boolean exposesCaller(int tag, Scatterlist list) {
        return mappedPerPage ? perPage.exposesCaller(tag, list) : mapper.exposesBuffer(list);
    }

    @Override
    public int slotsHeld(int tag, Scatterlist list) {
        return mappedPerPage ? perPage.slotsHeld(tag, list) : mapper.slotsHeld(list);
    }
}
