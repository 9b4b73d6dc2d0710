package dev.airlock.vmbus.guest;

/**
 * What happened on the guest's bus, for counting. All but the first few are the host's doing wrong.
 */
public enum GuestBusEvent {
    /** A well-formed control message arrived. */
    MESSAGE,
    /** A channel was offered. */
    OFFER,
    /** A channel was taken back. */
    RESCIND,
    /** A packet on the socket was no frame, or of a kind only guests send. */
    MALFORMED_FRAME,
    /** A control message of unknown type, or too short, or too long. */
    MALFORMED_MESSAGE,
    /** A message that only guests send. */
    MISDIRECTED_MESSAGE,
    /** An answer nobody waits for: never asked, late, or given before. */
    UNEXPECTED_ANSWER,
    /** An offer with a relid out of range or in use, or before contact was made. */
    BAD_OFFER,
    /** An offer beyond {@link GuestBusOptions#offersMax}. */
    OFFER_DROPPED,
    /** A rescind of a channel that is not there, or was rescinded before. */
    BAD_RESCIND
}
