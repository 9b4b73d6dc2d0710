package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether an NVMe driver can name bounced buffers by PRP entries, for each {@code min_align_mask}.
 * The lists are ones that a block layer gives to an NVMe driver: only the first entry begins inside
 * a page, only the last ends inside one. As in a pool in use, a slot is taken before. Stateless.
 */
final class PrpTable {
    private static final long PRIVATE_BYTES = 4 << 20;
    private static final long VISIBLE_BYTES = 12 << 20;
    private static final long BUFFER = 1 << 20;
    private static final int SECTOR = 512;

    /** The guest address of PRP lists; nobody reads it but {@link PrpController}. */
    private static final long LISTS = 1L << 40;

    private PrpTable() {}

    /** Shapes of a list. */
    enum Shape {
        ONE_PAGE("a page", 0, 1, HvPage.SIZE),
        ONE_ENTRY("8 KiB from offset 512", 512, 1, 8 << 10),
        TWO_ENTRIES("a page from offset 512 on, and another", 512, 2, HvPage.SIZE),
        TWO_ENTRIES_LATE("a page from offset 3584 on, and another", 3584, 2, HvPage.SIZE),
        EIGHT_PAGES("8 pages scattered", 0, 8, HvPage.SIZE),
        CHAINED("2.5 MiB in 20 entries", 0, 20, 128 << 10);

        private final String label;
        private final int offset;
        private final int entries;
        private final int entryBytes;

        Shape(String label, int offset, int entries, int entryBytes) {
            this.label = label;
            this.offset = offset;
            this.entries = entries;
            this.entryBytes = entryBytes;
        }

        /** The list; the first entry ends where its pages do, unless it is the only one. */
        Scatterlist list() {
            Scatterlist list = new Scatterlist(entries);
            for (int i = 0; i < entries; i++) {
                // Downwards, so that no two are neighbours in the order of the data.
                long gpa = BUFFER + (long) (entries - 1 - i) * entryBytes;
                boolean cut = i == 0 && entries > 1;
                list.add(i == 0 ? gpa + offset : gpa, cut ? entryBytes - offset : entryBytes);
            }
            return list;
        }
    }

    /** A row for each mask and shape. */
    static List<ReportRow> rows() throws LinuxException {
        List<ReportRow> rows = new ArrayList<>();
        for (int mask : OffsetTable.MASKS) {
            try (GuestMemory memory = GuestMemory.isolated(PRIVATE_BYTES, VISIBLE_BYTES);
                    DmaMapper mapper = OffsetTable.mapper(memory, mask, VISIBLE_BYTES / 2)) {
                Scatterlist neighbour = new Scatterlist(1);
                neighbour.add(0, SECTOR);
                map(mapper, neighbour);
                for (Shape shape : Shape.values()) {
                    rows.add(row(mapper, mask, shape));
                }
                unmap(mapper, neighbour);
            }
        }
        return rows;
    }

    private static ReportRow row(DmaMapper mapper, int mask, Shape shape) {
        Scatterlist list = shape.list();
        map(mapper, list);
        PrpEntries entries = PrpEntries.of(list, LISTS);
        String violation = entries.violation();
        if (violation == null) {
            violation = difference(list, PrpController.read(entries, (int) list.totalBytes()));
        }
        unmap(mapper, list);
        boolean good = violation == null;
        return new ReportRow()
                .key("minAlignMask", mask)
                .key("shape", shape.label)
                .exact("prpPages", good ? entries.pages() : 0)
                .exact("listPages", entries.lists().size())
                .word("prp", good ? "valid" : "impossible")
                .word("violation", violation == null ? "" : violation);
    }

    /** Where what the controller reads is not what was mapped; null when it is. */
    static @Nullable String difference(Scatterlist list, List<PrpController.Range> read) {
        int range = 0;
        int into = 0;
        for (PrpController.Range each : read) {
            if (range == list.dmaEntries() || each.address() != list.dmaAddress(range) + into) {
                return "the controller reads 0x%x".formatted(each.address());
            }
            into += each.bytes();
            if (into == list.dmaBytes(range)) {
                range++;
                into = 0;
            }
        }
        return range == list.dmaEntries() ? null : "the controller reads too little";
    }

    private static void map(DmaMapper mapper, Scatterlist list) {
        int mapped = mapper.mapSg(list, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
        if (mapped <= 0) {
            throw new IllegalStateException("an empty pool is full: result=" + mapped);
        }
    }

    private static void unmap(DmaMapper mapper, Scatterlist list) {
        mapper.unmapSg(list, DmaDirection.TO_DEVICE, DmaAttributes.NONE);
    }
}
