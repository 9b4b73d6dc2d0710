package dev.airlock.lab.bench;

/**
 * One kind of load on a disk. Immutable.
 *
 * @param name what people call it
 * @param blockBytes size of each I/O
 * @param queueDepth I/Os in flight
 * @param write whether it writes
 * @param random whether the places are random, or follow each other
 * @param overwriting whether reads vouch for their buffers, so that nothing is copied in first
 */
public record Load(
        String name,
        int blockBytes,
        int queueDepth,
        boolean write,
        boolean random,
        boolean overwriting) {
    private static final int KIB = 1024;

    /** 4 KiB random reads, one at a time. */
    public static final Load READ_4K_QD1 =
            new Load("4 KiB read QD1", 4 * KIB, 1, false, true, false);

    /** 4 KiB random writes, one at a time. */
    public static final Load WRITE_4K_QD1 =
            new Load("4 KiB write QD1", 4 * KIB, 1, true, true, false);

    /** 4 KiB random reads, 32 in flight. */
    public static final Load READ_4K_QD32 =
            new Load("4 KiB read QD32", 4 * KIB, 32, false, true, false);

    /** 4 KiB random writes, 32 in flight. */
    public static final Load WRITE_4K_QD32 =
            new Load("4 KiB write QD32", 4 * KIB, 32, true, true, false);

    /** 1 MiB reads in order, 4 in flight. */
    public static final Load READ_1M_QD4 =
            new Load("1 MiB read QD4", KIB * KIB, 4, false, false, false);

    /** 1 MiB writes in order, 4 in flight. */
    public static final Load WRITE_1M_QD4 =
            new Load("1 MiB write QD4", KIB * KIB, 4, true, false, false);

    /** As {@link #READ_4K_QD32}, vouching for the buffers. */
    public static final Load OVERWRITING_4K_QD32 =
            new Load("4 KiB read QD32 overwriting", 4 * KIB, 32, false, true, true);

    /** As {@link #READ_1M_QD4}, vouching for the buffers. */
    public static final Load OVERWRITING_1M_QD4 =
            new Load("1 MiB read QD4 overwriting", KIB * KIB, 4, false, false, true);

    /** Times that a byte is copied on its way through the bounce slots. */
    int copies() {
        return write || overwriting ? 1 : 2;
    }
}
