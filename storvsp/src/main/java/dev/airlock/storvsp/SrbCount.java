package dev.airlock.storvsp;

/**
 * How many SRBs of one operation code asked for so much data. Sizes fall into classes: no data, up
 * to 512 bytes, and then up to each power of two.
 *
 * @param opcode first byte of the CDB, 0 to 255
 * @param sizeClass 0 to {@link #CLASSES} - 1, see {@link #bytesMax}
 * @param count of SRBs
 */
public record SrbCount(int opcode, int sizeClass, long count) {
    /** Classes of sizes; the last one is for all beyond. */
    public static final int CLASSES = 16;

    /** Operation codes there are. */
    static final int OPCODES = 256;

    private static final int SMALLEST_SHIFT = 9;

    public SrbCount {
        if (opcode < 0 || opcode >= OPCODES || sizeClass < 0 || sizeClass >= CLASSES) {
            throw new IllegalArgumentException("opcode=" + opcode + " sizeClass=" + sizeClass);
        }
    }

    /** The class of a transfer. */
    static int classOf(long bytes) {
        if (bytes <= 0) {
            return 0;
        }
        int shift = Long.SIZE - Long.numberOfLeadingZeros(bytes - 1);
        return Math.min(CLASSES - 1, Math.max(0, shift - SMALLEST_SHIFT) + 1);
    }

    /** The largest transfer of this class, bytes; 0 for no data, the largest int for the last. */
    public int bytesMax() {
        if (sizeClass == 0) {
            return 0;
        }
        return sizeClass == CLASSES - 1 ? Integer.MAX_VALUE : 1 << SMALLEST_SHIFT + sizeClass - 1;
    }
}
