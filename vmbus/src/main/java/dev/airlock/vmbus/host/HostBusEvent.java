package dev.airlock.vmbus.host;

/**
 * What happened on a guest's bus, for counting. All but the first few are the guest's doing wrong.
 */
public enum HostBusEvent {
    /** A well-formed control message arrived. */
    MESSAGE,
    /** A channel was opened. */
    CHANNEL_OPENED,
    /** A channel that was open was closed, whatever the reason. */
    CHANNEL_CLOSED,
    /** A GPADL was established. */
    GPADL_CREATED,
    /** The guest left with UNLOAD, or started over with INITIATE_CONTACT. */
    DISCONNECTED,
    /** A version was asked for that is not spoken here. */
    VERSION_REFUSED,
    /** A packet on the socket was no frame, or its descriptors did not fit its kind. */
    MALFORMED_FRAME,
    /** A control message of unknown type, or too short, or too long. */
    MALFORMED_MESSAGE,
    /** A message that only hosts send, or one posted to a wrong connection id. */
    MISDIRECTED_MESSAGE,
    /** A message that does not fit the state: before contact, offers asked twice. */
    OUT_OF_ORDER_MESSAGE,
    /** A relid that was never offered, or was released. */
    UNKNOWN_RELID,
    /** A GPADL handle that is not there. */
    UNKNOWN_GPADL,
    /** A GPADL handle that is there already. */
    DUPLICATE_GPADL,
    /** A GPADL whose ranges do not add up. */
    MALFORMED_GPADL,
    /** An open that cannot be: double, bad ring sizes, pages not visible, no doorbells. */
    OPEN_REFUSED,
    /** A close, modify or release that finds the channel in another state. */
    WRONG_CHANNEL_STATE,
    /** A memory region that cannot be taken: unsealed, misaligned, overlapping. */
    REGION_REFUSED,
    /** Doorbells that cannot be taken: no eventfds, no such channel, or one that is open. */
    DOORBELLS_REFUSED,
    /** A journal that cannot be taken: no sealed memfd, no such channel, or one that is open. */
    JOURNAL_REFUSED,
    /** Something was refused because a limit of {@link HostLimits} was reached. */
    LIMIT_REACHED,
    /** A Hyper-V socket was asked for. */
    SOCKET_REFUSED,
    /** A device threw: a bug of ours. */
    DEVICE_FAILED
}
