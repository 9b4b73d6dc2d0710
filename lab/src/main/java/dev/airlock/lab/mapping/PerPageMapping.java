package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;
import dev.airlock.storvsc.IoMapping;
import dev.airlock.vmbus.GpaDirectPacket;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * How version 3 of the Isolation VM patches (2021) had storvsc map: for each I/O an array {@code
 * dma_range} is allocated, {@code dma_map_page} is called for each 4 KiB Hyper-V page, {@code
 * range.offset} is set again from the first DMA address if the data begins inside a page, and the
 * completion walks the array to unmap and frees it. To be compared with, not to be used: it is the
 * one {@link IoMapping} that allocates.
 *
 * <p>{@code dma_map_page} has one error for "full now" and "never": both are {@link #BUSY} here, so
 * that a list which the pool can never hold is tried for ever.
 */
public final class PerPageMapping implements IoMapping {
    private static final int WORDS = 2;

    private final DmaMapper mapper;
    private final int guestPageMask;

    /**
     * For each tag what {@code cmd_request->dma_range} is: {@code struct hv_dma_range { dma_addr_t
     * dma; u32 mapping_size; }}, 16 bytes an element.
     */
    private final long[] @Nullable [] ranges;

    /**
     * @param tags as {@link IoMapping.Factory#create}
     */
    public PerPageMapping(DmaMapper mapper, int tags) {
        this.mapper = mapper;
        guestPageMask = mapper.limits().guestPageBytes() - 1;
        ranges = new long[tags][];
    }

    @Override
    public int map(
            int tag,
            Scatterlist list,
            DmaDirection direction,
            int attributes,
            MemorySegment packet,
            long at) {
        long[] range = new long[WORDS * pages(list)];
        int page = 0;
        for (int entry = 0; entry < list.entries(); entry++) {
            long gpa = list.gpa(entry);
            int left = list.bytes(entry);
            while (left > 0) {
                int inPage = (int) gpa & HvPage.MASK;
                int part = Math.min(HvPage.SIZE - inPage, left);
                int inGuestPage = (int) gpa & guestPageMask;
                long dma =
                        mapper.mapPage(gpa - inGuestPage, inGuestPage, part, direction, attributes);
                if (dma == DmaMapper.MAPPING_ERROR) {
                    unmap(range, page, direction, attributes | DmaAttributes.SKIP_CPU_SYNC);
                    return BUSY;
                }
                if (page == 0 && inPage != 0) {
                    GpaDirectPacket.putByteOffset(packet, at, (int) dma & HvPage.MASK);
                }
                range[WORDS * page] = dma;
                range[WORDS * page + 1] = part;
                GpaDirectPacket.putPfn(packet, at, page++, dma >>> HvPage.SHIFT);
                gpa += part;
                left -= part;
            }
        }
        ranges[tag] = range;
        return page;
    }

    @Override
    public void unmap(int tag, Scatterlist list, DmaDirection direction, int attributes) {
        long[] range = range(tag);
        unmap(range, range.length / WORDS, direction, attributes);
        ranges[tag] = null;
    }

    @Override
    public boolean exposesCaller(int tag, Scatterlist list) {
        long[] range = range(tag);
        for (int i = 0; i < range.length; i += WORDS) {
            if (!mapper.isBounced(range[i])) {
                return true;
            }
        }
        return false;
    }

    @Override
    public int slotsHeld(int tag, Scatterlist list) {
        long[] range = range(tag);
        int slots = 0;
        for (int i = 0; i < range.length; i += WORDS) {
            slots += mapper.slotsHeld(range[i]);
        }
        return slots;
    }

    private void unmap(long[] range, int pages, DmaDirection direction, int attributes) {
        for (int i = 0; i < pages; i++) {
            mapper.unmapPage(range[WORDS * i], (int) range[WORDS * i + 1], direction, attributes);
        }
    }

    private long[] range(int tag) {
        long[] range = ranges[tag];
        if (range == null) {
            throw new IllegalStateException("not mapped: tag=" + tag);
        }
        return range;
    }

    /** {@code hvpg_count}: 4 KiB pages that the list touches, each entry counted for itself. */
    private static int pages(Scatterlist list) {
        int pages = 0;
        for (int entry = 0; entry < list.entries(); entry++) {
            pages += (int) HvPage.span((int) list.gpa(entry) & HvPage.MASK, list.bytes(entry));
        }
        return pages;
    }
}
