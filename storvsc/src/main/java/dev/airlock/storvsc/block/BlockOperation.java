package dev.airlock.storvsc.block;

/** What a {@link BlockRequest} asks for. */
public enum BlockOperation {
    READ,
    WRITE,
    /** What was written before this was submitted, and had completed, is made durable. */
    FLUSH,
    /**
     * The range's content is needed no more; reads of it may return anything that was there, or
     * zeroes.
     */
    TRIM,
    /** The range reads as zeroes afterwards. */
    WRITE_ZEROES;

    /** Whether it changes the disk's contents. */
    boolean isWrite() {
        return this == WRITE || this == TRIM || this == WRITE_ZEROES;
    }
}
