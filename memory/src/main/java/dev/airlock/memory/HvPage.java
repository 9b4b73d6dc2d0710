package dev.airlock.memory;

/**
 * The Hyper-V page: 4 KiB whatever the guest's own page size. Source: HV_HYP_PAGE_SHIFT of {@code
 * hyperv/hvgdk_mini.h} in Linux; TLFS, "Page sizes".
 */
public final class HvPage {
    public static final int SHIFT = 12;

    /** Bytes in a page. */
    public static final int SIZE = 1 << SHIFT;

    /** The bits of an address inside its page. */
    public static final int MASK = SIZE - 1;

    private HvPage() {}

    /** Pages that a range of bytes touches, given its start inside its first page. */
    public static long span(int inPageOffset, long bytes) {
        return (inPageOffset + bytes + MASK) >>> SHIFT;
    }

    /** Whether an address or a size is a whole number of pages and not negative. */
    public static boolean isAligned(long value) {
        return value >= 0 && (value & MASK) == 0;
    }
}
