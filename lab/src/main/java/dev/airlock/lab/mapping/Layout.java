package dev.airlock.lab.mapping;

import dev.airlock.dma.Scatterlist;

/** How the memory of an I/O lies in the guest. */
public enum Layout {
    /** One entry from the beginning of a guest page. */
    CONTIGUOUS("contiguous"),

    /** An entry for each guest page, no two of them neighbours in the order of the data. */
    SCATTERED("page-scattered"),

    /** One entry that begins 512 bytes before the end of a guest page. */
    ODD_OFFSET("odd offset");

    /** A sector: the offset in the Hyper-V page is 3584. */
    private static final int BYTES_BEFORE_PAGE_END = 512;

    private final String label;

    Layout(String label) {
        this.label = label;
    }

    /** What reports call it. */
    public String label() {
        return label;
    }

    /** Guest memory that {@link #list} needs from an address aligned to a guest page. */
    static long regionBytes(int bytes, int guestPageBytes) {
        return (long) (Math.ceilDiv(bytes, guestPageBytes) + 1) * guestPageBytes;
    }

    /**
     * The memory of an I/O.
     *
     * @param base of a region of {@link #regionBytes}, aligned to a guest page
     */
    Scatterlist list(long base, int bytes, int guestPageBytes) {
        if (this == CONTIGUOUS) {
            return single(base, bytes);
        }
        if (this == ODD_OFFSET) {
            return single(base + guestPageBytes - BYTES_BEFORE_PAGE_END, bytes);
        }
        int pieces = Math.ceilDiv(bytes, guestPageBytes);
        Scatterlist list = new Scatterlist(pieces);
        for (int piece = 0; piece < pieces; piece++) {
            int part = Math.min(guestPageBytes, bytes - piece * guestPageBytes);
            list.add(base + (long) (pieces - 1 - piece) * guestPageBytes, part);
        }
        return list;
    }

    private static Scatterlist single(long gpa, int bytes) {
        Scatterlist list = new Scatterlist(1);
        list.add(gpa, bytes);
        return list;
    }
}
