package dev.airlock.storvsc;

import java.util.concurrent.atomic.LongAdder;

/**
 * What happened on one channel. Those of the hot path are written by one thread at a time (under
 * the ring's lock, or by the poller) and read by any; the others count events that should not
 * happen.
 */
final class ChannelCounters {
    /** Commands put into the ring. */
    final OwnedCounter submitted = new OwnedCounter();

    /** Commands that the host answered. */
    final OwnedCounter answered = new OwnedCounter();

    final LongAdder busyNoTag = new LongAdder();
    final LongAdder busyNoSlots = new LongAdder();
    final LongAdder busyRingFull = new LongAdder();

    /** Packets too short for what they claim to be. */
    final LongAdder shortPackets = new LongAdder();

    /** Packets of a type or operation that has no place here. */
    final LongAdder malformedPackets = new LongAdder();

    /** Ids that no command of this channel ever had. */
    final LongAdder unknownIds = new LongAdder();

    /** Answers to commands that had been answered, or to a past use of the tag. */
    final LongAdder staleAnswers = new LongAdder();

    /** Answers to commands that had timed out. */
    final LongAdder lateAnswers = new LongAdder();

    /** Messages of the host's own accord that were understood. */
    final LongAdder unsolicited = new LongAdder();

    /** Answers that claimed more bytes, or more sense, than there was room for. */
    final LongAdder excessiveLengths = new LongAdder();

    final LongAdder timeouts = new LongAdder();

    /** Bounce slots now kept for commands that timed out: goes up and down. */
    final LongAdder slotsQuarantined = new LongAdder();

    /** Adds the rare events to sums, in the order of {@link StorvscStatistics}. */
    void addTo(long[] sums) {
        LongAdder[] inOrder = {
            busyNoTag,
            busyNoSlots,
            busyRingFull,
            timeouts,
            lateAnswers,
            staleAnswers,
            unknownIds,
            shortPackets,
            malformedPackets,
            excessiveLengths,
            unsolicited,
            slotsQuarantined
        };
        for (int i = 0; i < inOrder.length; i++) {
            sums[i] += inOrder[i].sum();
        }
    }
}
