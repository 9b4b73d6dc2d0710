package dev.airlock.storvsc.block;

/** How a {@link BlockRequest} ended. */
public enum BlockStatus {
    /** Not ended. */
    PENDING,
    OK,
    /** The device failed; the request's sense says more, if there is any. */
    IO_ERROR,
    /** The host did not answer in time. */
    TIMED_OUT,
    /** The disk was removed, or the adapter has closed. */
    GONE,
    /** The device is read-only. */
    READ_ONLY,
    /** The device has no space left behind this range. */
    NO_SPACE,
    /** The range is not inside the device, or not whole sectors: the caller's mistake. */
    OUT_OF_RANGE,
    /**
     * The data list has a gap inside a sector, or another length than the range: the caller's
     * mistake.
     */
    BAD_LAYOUT,
    /** The device cannot do this (trim, LBA status). */
    UNSUPPORTED
}
