package dev.airlock.lab.hostile;

import dev.airlock.storvsc.StorvscStatistics;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToLongFunction;

/** What happened to the guests of hostile hosts, all added up. Thread-safe. */
final class VictimTally {
    /** What a guest's driver counted. */
    enum Defence {
        STALE(StorvscStatistics::staleAnswers, true),
        UNKNOWN(StorvscStatistics::unknownIds, true),
        SHORT(StorvscStatistics::shortPackets, true),
        MALFORMED(StorvscStatistics::malformedPackets, true),
        EXCESSIVE(StorvscStatistics::excessiveLengths, true),
        TIMEOUT(StorvscStatistics::timeouts, true),
        UNSOLICITED(StorvscStatistics::unsolicited, true),
        LUN_RESET(StorvscStatistics::lunResets, true),
        BUS_RESET(StorvscStatistics::busResets, false),
        LATE(StorvscStatistics::lateAnswers, false);

        private final ToLongFunction<StorvscStatistics> counter;
        private final boolean certain;

        Defence(ToLongFunction<StorvscStatistics> counter, boolean certain) {
            this.counter = counter;
            this.certain = certain;
        }

        /** Whether a million events cannot do without. */
        boolean isCertain() {
            return certain;
        }
    }

    private static final Defence[] DEFENCES = Defence.values();

    final LongAdder sessions = new LongAdder();
    final LongAdder refusedConnections = new LongAdder();
    final LongAdder ioSucceeded = new LongAdder();
    final LongAdder ioFailed = new LongAdder();
    private final LongAdder[] sums = new LongAdder[DEFENCES.length];

    VictimTally() {
        for (int i = 0; i < sums.length; i++) {
            sums[i] = new LongAdder();
        }
    }

    void add(StorvscStatistics ofOneGuest) {
        for (Defence defence : DEFENCES) {
            sums[defence.ordinal()].add(defence.counter.applyAsLong(ofOneGuest));
        }
    }

    long get(Defence defence) {
        return sums[defence.ordinal()].sum();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        text.append("sessions=").append(sessions);
        text.append(" refused=").append(refusedConnections);
        text.append(" ioSucceeded=").append(ioSucceeded);
        text.append(" ioFailed=").append(ioFailed);
        for (Defence defence : DEFENCES) {
            text.append(' ').append(defence).append('=').append(get(defence));
        }
        return text.toString();
    }
}
