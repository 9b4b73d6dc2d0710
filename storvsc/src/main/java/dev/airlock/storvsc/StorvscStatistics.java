package dev.airlock.storvsc;

/**
 * What an adapter has done so far, over all its channels. A snapshot; figures are not taken at one
 * instant.
 *
 * @param channels open channels
 * @param subchannelsRefused subchannels that were offered and could not be opened
 * @param submitted commands put into a ring
 * @param answered commands that the host answered in time
 * @param inFlight commands that hold a tag now, those in quarantine included
 * @param signals signals sent to the host
 * @param busyNoTag submissions refused for want of a tag
 * @param busyNoSlots submissions refused for want of bounce slots
 * @param busyRingFull submissions refused for want of room in the ring
 * @param timeouts commands that timed out
 * @param lateAnswers answers to commands that had timed out
 * @param staleAnswers answers to commands that had been answered
 * @param unknownIds answers with ids that no command had
 * @param shortPackets packets too short for what they claim to be
 * @param malformedPackets packets of a type or operation that has no place
 * @param excessiveLengths answers that claimed more data or sense than there was room for
 * @param unsolicited messages of the host's own accord
 * @param slotsQuarantined bounce slots kept now for commands that timed out
 * @param lunResets LUN resets sent
 * @param busResets bus resets sent
 */
public record StorvscStatistics(
        int channels,
        int subchannelsRefused,
        long submitted,
        long answered,
        int inFlight,
        long signals,
        long busyNoTag,
        long busyNoSlots,
        long busyRingFull,
        long timeouts,
        long lateAnswers,
        long staleAnswers,
        long unknownIds,
        long shortPackets,
        long malformedPackets,
        long excessiveLengths,
        long unsolicited,
        long slotsQuarantined,
        long lunResets,
        long busResets) {

    /** Sums up. */
    static StorvscStatistics of(ChannelSet channels, Recovery recovery) {
        long submitted = 0;
        long answered = 0;
        int inFlight = 0;
        long signals = 0;
        long[] sums = new long[12];
        for (StorvscChannel channel : channels.all()) {
            ChannelCounters counters = channel.counters();
            submitted += counters.submitted.get();
            answered += counters.answered.get();
            inFlight += channel.inFlight();
            signals += channel.signals();
            counters.addTo(sums);
        }
        return new StorvscStatistics(
                channels.all().length,
                channels.refused(),
                submitted,
                answered,
                inFlight,
                signals,
                sums[0],
                sums[1],
                sums[2],
                sums[3],
                sums[4],
                sums[5],
                sums[6],
                sums[7],
                sums[8],
                sums[9],
                sums[10],
                sums[11],
                recovery.lunResets(),
                recovery.busResets());
    }
}
