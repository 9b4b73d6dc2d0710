package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import java.util.ArrayList;
import java.util.List;

/**
 * What swiotlb makes of an offset inside a page, for each {@code min_align_mask}. One slot of the
 * pool is taken before, as in any pool in use, so that nothing lies at a page's beginning by luck.
 * Stateless.
 */
final class OffsetTable {
    /** Every mask 2^n - 1 up to 64 KiB - 1, and 0. */
    static final List<Integer> MASKS = masks();

    /** One offset for each bit, and combinations of those that a block I/O has. */
    static final List<Integer> OFFSETS =
            List.of(
                    0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1536, 2048, 2560, 3072, 3584,
                    4095);

    /** Bytes of each mapping: two pages, three when it begins inside one. */
    static final int BYTES = 2 * HvPage.SIZE;

    private static final long POOL_BYTES = 1 << 20;
    private static final long PRIVATE_BYTES = 1 << 20;
    private static final int SECTOR = 512;

    /** Where the mapped buffer is: beyond the first pages, at a multiple of 64 KiB. */
    private static final long BUFFER = 512 << 10;

    private OffsetTable() {}

    /** A row for each mask and offset. */
    static List<ReportRow> rows() throws LinuxException {
        List<ReportRow> rows = new ArrayList<>();
        for (int mask : MASKS) {
            try (GuestMemory memory = GuestMemory.isolated(PRIVATE_BYTES, 2 * POOL_BYTES);
                    DmaMapper mapper = mapper(memory, mask, POOL_BYTES)) {
                long neighbour = map(mapper, 0, SECTOR);
                for (int offset : OFFSETS) {
                    long dma = map(mapper, BUFFER + offset, BYTES);
                    rows.add(row(mask, offset, dma));
                    unmap(mapper, dma, BYTES);
                }
                unmap(mapper, neighbour, SECTOR);
            }
        }
        return rows;
    }

    /** A mapper that bounces everything, with a mask. */
    static DmaMapper mapper(GuestMemory memory, int mask, long poolBytes) {
        return DmaMapper.forGuest(
                memory,
                SwiotlbOptions.DEFAULTS.withPoolBytes(poolBytes).withAreas(1),
                DmaLimits.STORVSC.withMinAlignMask(mask));
    }

    private static ReportRow row(int mask, int offset, long dma) {
        int kept = (int) dma & HvPage.MASK;
        int pages = (int) HvPage.span(kept, BYTES);
        return new ReportRow()
                .key("minAlignMask", mask)
                .key("offset", offset)
                .exact("dmaOffset", kept)
                .exact("pages", pages)
                .exact("pagesExpected", (int) HvPage.span(offset, BYTES))
                .word("kept", kept == offset ? "yes" : "no");
    }

    private static long map(DmaMapper mapper, long gpa, int bytes) {
        long dma = mapper.mapSingle(gpa, bytes, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
        if (dma == DmaMapper.MAPPING_ERROR) {
            throw new IllegalStateException("an empty pool is full: bytes=" + bytes);
        }
        return dma;
    }

    private static void unmap(DmaMapper mapper, long dma, int bytes) {
        mapper.unmapSingle(dma, bytes, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
    }

    private static List<Integer> masks() {
        List<Integer> masks = new ArrayList<>();
        for (int bits = 0; bits <= 16; bits++) {
            masks.add((1 << bits) - 1);
        }
        return List.copyOf(masks);
    }
}
