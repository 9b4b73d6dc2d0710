package dev.airlock.lab.hostile;

import dev.airlock.vmbus.EventCounts;

/** What hostile peers do, for counting. */
public enum HostileEvent {
    /** A spoiled frame on the socket: a control message, a region, doorbells. */
    FRAME(true),
    /** A spoiled packet in a ring. */
    PACKET(true),
    /** A spoiled control word of a ring: an index, the mask, the pending size, feature bits. */
    RING_WORD(true),
    /** A packet without a fault; not counted as an event. */
    VALID_PACKET(false),
    /** A connection; not an event. */
    SESSION(false),
    /** A channel that was opened; not an event. */
    CHANNEL(false),
    /** An answer of the other side that says success: how deep the events get; not an event. */
    SUCCESS(false),
    /** An answer of the other side that says failure; not an event. */
    FAILURE(false),
    /** A channel that the other side had stopped to serve and that was opened again. */
    REOPENED(false),
    /** Words written into shared memory by a thread of its own while the other side reads it. */
    SCRIBBLE(false);

    private static final HostileEvent[] VALUES = values();

    private final boolean event;

    HostileEvent(boolean event) {
        this.event = event;
    }

    /** Whether it counts as an event, a fault delivered. */
    public boolean isEvent() {
        return event;
    }

    /** How many of what was counted are events. */
    static long events(EventCounts<HostileEvent> counts) {
        long events = 0;
        for (HostileEvent each : VALUES) {
            events += each.event ? counts.get(each) : 0;
        }
        return events;
    }
}
