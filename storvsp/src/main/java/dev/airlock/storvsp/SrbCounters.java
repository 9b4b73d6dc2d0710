package dev.airlock.storvsp;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * The SRBs of one channel by operation code and size, as the guest asked for them, whatever became
 * of them. One thread counts, without locked instructions; any may look. A table of 32 KiB, of
 * which the few codes that a driver uses touch a line or two each.
 */
final class SrbCounters {
    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] counts = new long[SrbCount.OPCODES * SrbCount.CLASSES];

    /** Counts one; for the channel's ring thread alone. */
    void count(int opcode, long bytes) {
        int cell = opcode * SrbCount.CLASSES + SrbCount.classOf(bytes);
        CELL.setOpaque(counts, cell, (long) CELL.getOpaque(counts, cell) + 1);
    }

    private long get(int cell) {
        return (long) CELL.getOpaque(counts, cell);
    }

    /** All together, in order of operation code and size; what never came is not among them. */
    static List<SrbCount> sum(List<SrbCounters> all) {
        List<SrbCount> sums = new ArrayList<>();
        for (int cell = 0; cell < SrbCount.OPCODES * SrbCount.CLASSES; cell++) {
            long sum = 0;
            for (SrbCounters each : all) {
                sum += each.get(cell);
            }
            if (sum != 0) {
                sums.add(new SrbCount(cell / SrbCount.CLASSES, cell % SrbCount.CLASSES, sum));
            }
        }
        return sums;
    }
}
