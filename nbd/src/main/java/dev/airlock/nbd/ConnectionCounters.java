package dev.airlock.nbd;

import dev.airlock.nbd.wire.NbdError;
import dev.airlock.nbd.wire.Transmission;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What a connection has done. Counted by its thread, read by others at any time: each number is
 * whole, but they are not of one moment.
 */
final class ConnectionCounters {
    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    /** Commands 0 to 7, and whatever else clients send. */
    private static final int COMMANDS = 9;

    private static final int BYTES_READ = COMMANDS;
    private static final int BYTES_WRITTEN = COMMANDS + 1;
    private static final int ERRORS = COMMANDS + 2;
    private static final int BEGUN = COMMANDS + 3;
    private static final int ENDED = COMMANDS + 4;

    private final long[] values = new long[COMMANDS + 5];
    private final LatencyCounts latencies = new LatencyCounts();

    /** A request has been taken. */
    void begun() {
        add(BEGUN, 1);
    }

    /** A request has ended. */
    void ended(Slot slot, long nanos) {
        add(ENDED, 1);
        add(Math.min(slot.command, COMMANDS - 1), 1);
        if (slot.error != NbdError.OK) {
            add(ERRORS, 1);
        } else if (slot.command == Transmission.CMD_READ) {
            add(BYTES_READ, slot.length);
        } else if (slot.command == Transmission.CMD_WRITE) {
            add(BYTES_WRITTEN, slot.length);
        }
        latencies.record(nanos);
    }

    /** Requests of a command that have ended. */
    long count(int command) {
        return get(command);
    }

    long bytesRead() {
        return get(BYTES_READ);
    }

    long bytesWritten() {
        return get(BYTES_WRITTEN);
    }

    /** Requests taken that have not ended. */
    long underWay() {
        return Math.max(0, get(BEGUN) - get(ENDED));
    }

    long errors() {
        return get(ERRORS);
    }

    LatencyCounts latencies() {
        return latencies;
    }

    private void add(int which, long by) {
        LONGS.setOpaque(values, which, values[which] + by);
    }

    private long get(int which) {
        return (long) LONGS.getOpaque(values, which);
    }
}
