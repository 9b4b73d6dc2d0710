package dev.airlock.storvsc;

import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.GpaDirectPacket;
import java.lang.foreign.MemorySegment;

/** Another way to map, one page at a time and remembered in arrays: what the seam must bear. */
final class PerPageMapping implements IoMapping {
    private final DmaMapper mapper;
    private final long[][] addresses;
    private final int[][] lengths;
    private final int[] pages;

    PerPageMapping(DmaMapper mapper, int tags, int maxPages) {
        this.mapper = mapper;
        this.addresses = new long[tags][maxPages];
        this.lengths = new int[tags][maxPages];
        this.pages = new int[tags];
    }

    @Override
    public int map(
            int tag,
            Scatterlist list,
            DmaDirection direction,
            int attributes,
            MemorySegment packet,
            long at) {
        pages[tag] = 0;
        for (int entry = 0; entry < list.entries(); entry++) {
            long gpa = list.gpa(entry);
            long end = gpa + list.bytes(entry);
            while (gpa < end) {
                int bytes = (int) Math.min(HvPage.SIZE - (gpa & HvPage.MASK), end - gpa);
                long address = mapper.mapSingle(gpa, bytes, direction, attributes);
                if (address == DmaMapper.MAPPING_ERROR) {
                    unmap(tag, list, direction, attributes);
                    return BUSY;
                }
                addresses[tag][pages[tag]] = address;
                lengths[tag][pages[tag]] = bytes;
                GpaDirectPacket.putPfn(packet, at, pages[tag]++, address >>> HvPage.SHIFT);
                gpa += bytes;
            }
        }
        return pages[tag];
    }

    @Override
    public void unmap(int tag, Scatterlist list, DmaDirection direction, int attributes) {
        for (int page = 0; page < pages[tag]; page++) {
            mapper.unmapSingle(addresses[tag][page], lengths[tag][page], direction, attributes);
        }
    }

    @Override
    public boolean exposesCaller(int tag, Scatterlist list) {
        for (int page = 0; page < pages[tag]; page++) {
            if (!mapper.isBounced(addresses[tag][page])) {
                return true;
            }
        }
        return false;
    }

    @Override
    public int slotsHeld(int tag, Scatterlist list) {
        return 0;
    }
}
