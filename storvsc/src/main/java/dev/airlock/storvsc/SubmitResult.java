package dev.airlock.storvsc;

/** What became of an attempt to queue a command. Only {@link #ACCEPTED} leads to a completion. */
public enum SubmitResult {
    /** The command is the driver's now; its completion will be called exactly once. */
    ACCEPTED,
    /** No tag, no room in the ring or no bounce slots now: nothing is held, try again later. */
    BUSY,
    /** The data can never be mapped in one piece: split it. Nothing is held. */
    TOO_LARGE,
    /**
     * The scatterlist is not one GPA range, see {@link GpaRangeLayout}: split it. Nothing is held.
     */
    BAD_LAYOUT,
    /** The channel is closed or failed, or the host has gone. Nothing is held. */
    CLOSED
}
