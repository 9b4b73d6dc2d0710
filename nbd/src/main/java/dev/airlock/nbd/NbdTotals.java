package dev.airlock.nbd;

import dev.airlock.nbd.wire.Transmission;
import java.util.List;

/** Adds up what connections of now and of before have done. Thread-safe. */
final class NbdTotals {
    private final long[] past = new long[Transmission.CMD_BLOCK_STATUS + 5];
    private final LatencyCounts latencies = new LatencyCounts();
    private long came;
    private long refused;

    synchronized void came() {
        came++;
    }

    synchronized void refused() {
        refused++;
    }

    /** A connection does nothing more. */
    synchronized void left(ConnectionCounters counters) {
        add(past, counters);
        latencies.add(counters.latencies());
    }

    synchronized NbdStatistics snapshot(List<ConnectionCounters> present) {
        long[] sums = past.clone();
        LatencyCounts all = new LatencyCounts();
        all.add(latencies);
        for (ConnectionCounters counters : present) {
            add(sums, counters);
            all.add(counters.latencies());
        }
        int last = Transmission.CMD_BLOCK_STATUS + 1;
        return new NbdStatistics(
                came,
                refused,
                present.size(),
                present.stream().mapToLong(ConnectionCounters::underWay).sum(),
                sums[Transmission.CMD_READ],
                sums[Transmission.CMD_WRITE],
                sums[Transmission.CMD_FLUSH],
                sums[Transmission.CMD_TRIM] + sums[Transmission.CMD_WRITE_ZEROES],
                sums[Transmission.CMD_BLOCK_STATUS] + sums[Transmission.CMD_CACHE] + sums[last],
                sums[last + 1],
                sums[last + 2],
                sums[last + 3],
                all);
    }

    private static void add(long[] sums, ConnectionCounters counters) {
        int last = Transmission.CMD_BLOCK_STATUS + 1;
        for (int command = 0; command <= last; command++) {
            sums[command] += counters.count(command);
        }
        sums[last + 1] += counters.bytesRead();
        sums[last + 2] += counters.bytesWritten();
        sums[last + 3] += counters.errors();
    }
}
