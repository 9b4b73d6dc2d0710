package dev.airlock.vmbus;

/** Why one end of a ring gave up on it: what the peer did to the shared words. */
public enum RingFault {
    /** The ring is in order. */
    NONE("no fault"),
    /** The peer's write index is outside the data area or not a multiple of 8. */
    WRITE_INDEX("writer's index out of range or unaligned"),
    /** The peer's read index is outside the data area or not a multiple of 8. */
    READ_INDEX("reader's index out of range or unaligned"),
    /** This end's own index, taken from the shared word when attaching, was unusable. */
    INITIAL_INDEX("own index was out of range or unaligned when the ring was attached"),
    /** A packet is shorter than its descriptor or longer than what the writer has published. */
    PACKET_LENGTH("packet length outside what is published"),
    /** The data of a packet begins inside its descriptor or behind its end. */
    DATA_OFFSET("packet data offset outside the packet"),
    /** A packet is longer than the reader is willing to take. */
    PACKET_TOO_LARGE("packet larger than the reader accepts");

    private final String text;

    RingFault(String text) {
        this.text = text;
    }

    /** One line for logs, with the offending value. */
    String describe(long value, int dataBytes) {
        return this == NONE
                ? text
                : "%s: fault=%s value=%#x dataBytes=%d".formatted(text, name(), value, dataBytes);
    }
}
