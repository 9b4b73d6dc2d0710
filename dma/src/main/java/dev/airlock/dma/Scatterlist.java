package dev.airlock.dma;

/**
 * The guest memory of one request, as a list of guest-physical ranges, and after mapping the DMA
 * ranges that the device is given for it ({@code struct scatterlist} of Linux). Made once, filled
 * and mapped many times; no call allocates.
 *
 * <p>DMA ranges are counted apart from entries: adjacent identity mappings are merged, so {@link
 * #dmaEntries} may be smaller than {@link #entries}. A mapped list is frozen until {@link
 * DmaMapper#unmapSg}.
 *
 * <p>Not thread-safe: one owner at a time; hand it over as you would any plain object.
 */
public final class Scatterlist {
    private final long[] gpas;
    private final int[] lengths;
    private final long[] dmaAddresses;
    private final int[] dmaLengths;
    private int entries;
    private int dmaEntries;
    private long totalBytes;

    /**
     * @param capacity most entries it can hold, at least 1
     */
    public Scatterlist(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("scatterlist capacity=" + capacity);
        }
        gpas = new long[capacity];
        lengths = new int[capacity];
        dmaAddresses = new long[capacity];
        dmaLengths = new int[capacity];
    }

    public int capacity() {
        return gpas.length;
    }

    /**
     * Empties the list.
     *
     * @throws IllegalStateException while it is mapped
     */
    public void clear() {
        requireUnmapped();
        entries = 0;
        totalBytes = 0;
    }

    /**
     * Appends a range of guest memory.
     *
     * @param gpa guest-physical address of its first byte
     * @param bytes at least 1
     * @return false when the list is full, which leaves it as it was
     * @throws IllegalStateException while it is mapped
     */
    public boolean add(long gpa, int bytes) {
        requireUnmapped();
        if (gpa < 0 || bytes < 1) {
            throw new IllegalArgumentException(
                    "scatterlist entry gpa=0x" + Long.toHexString(gpa) + " bytes=" + bytes);
        }
        int at = entries;
        if (at == gpas.length) {
            return false;
        }
        gpas[at] = gpa;
        lengths[at] = bytes;
        entries = at + 1;
        totalBytes += bytes;
        return true;
    }

    public int entries() {
        return entries;
    }

    /** Guest-physical address of an entry. */
    public long gpa(int entry) {
        return gpas[checkEntry(entry)];
    }

    /** Bytes of an entry. */
    public int bytes(int entry) {
        return lengths[checkEntry(entry)];
    }

    /** Bytes of all entries. */
    public long totalBytes() {
        return totalBytes;
    }

    public boolean isMapped() {
        return dmaEntries != 0;
    }

    /** DMA ranges of the mapped list, in the order of its bytes; 0 when it is not mapped. */
    public int dmaEntries() {
        return dmaEntries;
    }

    /** DMA address of a range of the mapped list. */
    public long dmaAddress(int range) {
        return dmaAddresses[checkRange(range)];
    }

    /** Bytes of a DMA range of the mapped list. */
    public int dmaBytes(int range) {
        return dmaLengths[checkRange(range)];
    }

    /** Appends a DMA range as it is. */
    void appendDma(long address, int bytes) {
        int at = dmaEntries;
        dmaAddresses[at] = address;
        dmaLengths[at] = bytes;
        dmaEntries = at + 1;
    }

    /** Joins {@code bytes} to the last DMA range. */
    void extendLastDma(int bytes) {
        dmaLengths[dmaEntries - 1] += bytes;
    }

    /** Forgets the DMA ranges: the list is unmapped. */
    void clearDma() {
        dmaEntries = 0;
    }

    void requireMappable() {
        requireUnmapped();
        if (entries == 0) {
            throw new IllegalArgumentException("mapping an empty scatterlist");
        }
    }

    void requireMapped() {
        if (dmaEntries == 0) {
            throw new IllegalStateException("scatterlist is not mapped, entries=" + entries);
        }
    }

    private void requireUnmapped() {
        if (dmaEntries != 0) {
            throw new IllegalStateException("scatterlist is mapped, dmaEntries=" + dmaEntries);
        }
    }

    private int checkEntry(int entry) {
        if (entry >= entries) {
            throw new IndexOutOfBoundsException("entry=" + entry + " entries=" + entries);
        }
        return entry;
    }

    private int checkRange(int range) {
        if (range >= dmaEntries) {
            throw new IndexOutOfBoundsException("range=" + range + " dmaEntries=" + dmaEntries);
        }
        return range;
    }
}
