package dev.airlock.memory;

import java.util.BitSet;

/**
 * Hands out pages of a range of guest-physical memory. Thread-safe. Not for the path of an I/O: it
 * takes a lock and searches.
 *
 * <p>What is freed must be what was allocated: anything else is a bug of the caller and throws. The
 * page at guest-physical address 0 is never handed out.
 */
public final class PageAllocator {
    /** What {@link #allocate} returns when there is no room. */
    public static final long NONE = -1;

    private final long firstPage;
    private final int pages;

    /**
     * Pages handed out, and those of them with which an allocation begins; by number within the
     * range.
     */
    private final BitSet used = new BitSet();

    private final BitSet starts = new BitSet();
    private int usedPages;

    /** Where the next search begins, so that freed pages are not handed out again at once. */
    private int next;

    PageAllocator(long gpa, long bytes) {
        long count = bytes >>> HvPage.SHIFT;
        if (!HvPage.isAligned(gpa) || !HvPage.isAligned(bytes) || count > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "not a range of pages: gpa=" + gpa + " bytes=" + bytes);
        }
        firstPage = gpa >>> HvPage.SHIFT;
        pages = (int) count;
    }

    /**
     * Takes neighbouring pages, whose content is undefined.
     *
     * @param bytes rounded up to pages
     * @param alignBytes a power of two; smaller than a page means a page
     * @return guest-physical address, or {@link #NONE} when no free piece is large enough
     */
    public synchronized long allocate(long bytes, long alignBytes) {
        if (bytes <= 0 || Long.bitCount(alignBytes) != 1 || alignBytes < 0) {
            throw new IllegalArgumentException(
                    "bad allocation: bytes=" + bytes + " alignBytes=" + alignBytes);
        }
        long count = ((bytes - 1) >>> HvPage.SHIFT) + 1;
        if (count > pages - usedPages) {
            return NONE;
        }
        long alignPages = Math.max(1, alignBytes >>> HvPage.SHIFT);
        int found = search(next, pages, (int) count, alignPages);
        if (found < 0) {
            // From the start, as far as a piece that begins before the first search's place can
            // reach.
            found = search(0, (int) Math.min(pages, next + count), (int) count, alignPages);
        }
        if (found < 0) {
            return NONE;
        }
        used.set(found, found + (int) count);
        starts.set(found);
        usedPages += (int) count;
        next = found + (int) count;
        return (firstPage + found) << HvPage.SHIFT;
    }

    /**
     * Gives back one allocation.
     *
     * @param bytes as in {@link #allocate}
     * @throws IllegalStateException if these pages are not exactly one allocation
     */
    public synchronized void free(long gpa, long bytes) {
        long page = (gpa >>> HvPage.SHIFT) - firstPage;
        long count = bytes <= 0 ? 0 : ((bytes - 1) >>> HvPage.SHIFT) + 1;
        if (!HvPage.isAligned(gpa) || page < 0 || count == 0 || count > pages - page) {
            throw new IllegalStateException(
                    "free of pages that are not of this range: " + describe(gpa, bytes));
        }
        int from = (int) page;
        int to = (int) (page + count);
        if (!used.get(from)) {
            throw new IllegalStateException("double free: " + describe(gpa, bytes));
        }
        boolean whole =
                starts.get(from)
                        && used.nextClearBit(from) >= to
                        && !isIn(starts.nextSetBit(from + 1), from, to)
                        && (to == pages || !used.get(to) || starts.get(to));
        if (!whole) {
            throw new IllegalStateException(
                    "free of something else than was allocated: " + describe(gpa, bytes));
        }
        used.clear(from, to);
        starts.clear(from);
        usedPages -= (int) count;
    }

    /** Pages handed out now. */
    public synchronized int usedPages() {
        return usedPages;
    }

    /** Pages in the range. */
    public int pages() {
        return pages;
    }

    private int search(int from, int to, int count, long alignPages) {
        int at = from;
        while (true) {
            int free = used.nextClearBit(at);
            if (firstPage + free == 0) {
                free++;
            }
            long aligned = alignUp(firstPage + free, alignPages) - firstPage;
            if (aligned + count > to) {
                return -1;
            }
            int taken = used.nextSetBit((int) aligned);
            if (!isIn(taken, aligned, aligned + count)) {
                return (int) aligned;
            }
            at = taken;
        }
    }

    private static boolean isIn(int bit, long from, long to) {
        return bit >= from && bit < to;
    }

    private static long alignUp(long value, long alignment) {
        return (value + alignment - 1) & -alignment;
    }

    private String describe(long gpa, long bytes) {
        return "gpa=0x%x bytes=%d rangeGpa=0x%x rangePages=%d"
                .formatted(gpa, bytes, firstPage << HvPage.SHIFT, pages);
    }
}
