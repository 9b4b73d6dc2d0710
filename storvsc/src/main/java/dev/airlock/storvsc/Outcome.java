package dev.airlock.storvsc;

/** How an accepted command ended. */
public enum Outcome {
    /** Not ended, or never submitted. */
    NONE,
    /** The host answered: SRB status, SCSI status, sense and length say what. */
    ANSWERED,
    /** The host did not answer in time; whether the command took effect is unknown. */
    TIMED_OUT,
    /** The channel was closed or failed, or the host has gone; the effect is unknown. */
    CHANNEL_CLOSED
}
