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
    WRITE_ZEROES,
    /** Which blocks hold data: the parameter data of GET LBA STATUS. */
    LBA_STATUS;

    /** Whether it is one command, whatever its range. */
    boolean isOneCommand() {
        return this == FLUSH || this == LBA_STATUS;
    }

    /** Whether it changes the disk's contents. */
    boolean isWrite() {
        return this == WRITE || this == TRIM || this == WRITE_ZEROES;
    }
}
