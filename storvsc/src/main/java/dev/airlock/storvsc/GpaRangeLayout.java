package dev.airlock.storvsc;

import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;

/**
 * The rule for a list to be sent as one GPA range (length, offset in the first page, PFNs): seen as
 * a run of 4 KiB pages it has no gap. So only the first entry may begin off a page and only the
 * last may end off one. Linux keeps it by {@code virt_boundary_mask} (storvsc_drv.c, {@code
 * scsi_driver}).
 */
public final class GpaRangeLayout {
    private GpaRangeLayout() {}

    /** Whether the list is one GPA range. True for an empty list. */
    public static boolean isOneRange(Scatterlist list) {
        int last = list.entries() - 1;
        for (int entry = 0; entry <= last; entry++) {
            long gpa = list.gpa(entry);
            if (entry > 0 && (gpa & HvPage.MASK) != 0) {
                return false;
            }
            if (entry < last && ((gpa + list.bytes(entry)) & HvPage.MASK) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Number of 4 KiB pages that {@code bytes} bytes touch from an offset in the first page. */
    public static int pages(int offsetInPage, int bytes) {
        return (int) (((long) offsetInPage + bytes + HvPage.SIZE - 1) >> HvPage.SHIFT);
    }
}
