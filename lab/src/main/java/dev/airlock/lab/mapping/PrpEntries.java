package dev.airlock.lab.mapping;

import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The PRP entries of an NVMe command for a mapped list, with 4 KiB pages (NVM Express Base
 * Specification, "Physical Region Page Entry and List"): PRP1 may have an offset in its page, every
 * other entry names a whole page from its beginning; PRP2 is the second page, or the address of a
 * list if there are more than two; the last entry of a list's page is the address of the next page
 * of the list if more follow. Immutable.
 *
 * @param prp1 address of the first byte
 * @param prp2 second page, or the first page of the list; 0 when the first page is all
 * @param lists the list's pages, 512 entries each but the last
 * @param listAddress address of the first of them; they follow each other
 * @param violation why no PRP entries can name these DMA ranges; null when they can
 */
record PrpEntries(
        long prp1, long prp2, List<long[]> lists, long listAddress, @Nullable String violation) {
    /** Entries of a page of a PRP list. */
    static final int PER_PAGE = HvPage.SIZE / Long.BYTES;

    /**
     * Builds the entries.
     *
     * @param mapped a list with its DMA ranges
     * @param listAddress where pages for a PRP list are
     */
    static PrpEntries of(Scatterlist mapped, long listAddress) {
        List<Long> pages = new ArrayList<>();
        int ranges = mapped.dmaEntries();
        for (int range = 0; range < ranges; range++) {
            long address = mapped.dmaAddress(range);
            long end = address + mapped.dmaBytes(range);
            if (range > 0 && (address & HvPage.MASK) != 0) {
                return violated(range, "begins", address);
            }
            if (range < ranges - 1 && (end & HvPage.MASK) != 0) {
                return violated(range, "ends", end);
            }
            pages.add(address);
            long next = (address & -HvPage.SIZE) + HvPage.SIZE;
            for (; next < end; next += HvPage.SIZE) {
                pages.add(next);
            }
        }
        long prp1 = pages.getFirst();
        if (pages.size() <= 2) {
            long prp2 = pages.size() == 2 ? pages.getLast() : 0;
            return new PrpEntries(prp1, prp2, List.of(), listAddress, null);
        }
        List<long[]> lists = lists(pages.subList(1, pages.size()), listAddress);
        return new PrpEntries(prp1, listAddress, lists, listAddress, null);
    }

    private static List<long[]> lists(List<Long> pages, long listAddress) {
        List<long[]> lists = new ArrayList<>();
        int at = 0;
        while (at < pages.size()) {
            int left = pages.size() - at;
            boolean chained = left > PER_PAGE;
            long[] list = new long[chained ? PER_PAGE : left];
            int own = chained ? PER_PAGE - 1 : left;
            for (int i = 0; i < own; i++) {
                list[i] = pages.get(at++);
            }
            if (chained) {
                list[own] = listAddress + (long) (lists.size() + 1) * HvPage.SIZE;
            }
            lists.add(list);
        }
        return lists;
    }

    private static PrpEntries violated(int range, String what, long address) {
        return new PrpEntries(
                0,
                0,
                List.of(),
                0,
                "range %d %s at offset %d of a page".formatted(range, what, address & HvPage.MASK));
    }

    /** All data pages named, PRP1's included. */
    int pages() {
        if (lists.isEmpty()) {
            return prp2 == 0 ? 1 : 2;
        }
        int entries = lists.stream().mapToInt(list -> list.length).sum();
        return 1 + entries - (lists.size() - 1);
    }
}
