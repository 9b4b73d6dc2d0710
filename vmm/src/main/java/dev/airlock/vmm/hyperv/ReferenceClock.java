package dev.airlock.vmm.hyperv;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;

/**
 * Partition reference time: 100 ns units since the machine began (TLFS, Timers). A guest reads it
 * as a counter MSR, or without an exit from the time stamp counter by the reference TSC page.
 * Immutable.
 */
public final class ReferenceClock {
    private static final long UNITS_PER_SECOND = 10_000_000;

    private final long startNanos = System.nanoTime();
    private final long tscHz;

    /**
     * Begins at the time of its making, which is that of the processors: their counters begin at 0.
     *
     * @param tscKhz rate of the processors' time stamp counters
     */
    public ReferenceClock(int tscKhz) {
        this.tscHz = tscKhz * 1000L;
    }

    /** Time now. */
    long units() {
        return (System.nanoTime() - startNanos) / 100;
    }

    /** Rate of the time stamp counter. */
    long tscHz() {
        return tscHz;
    }

    /** The factor of the page: units = counter * scale / 2^64. */
    long scale() {
        return BigInteger.valueOf(UNITS_PER_SECOND)
                .shiftLeft(64)
                .divide(BigInteger.valueOf(tscHz))
                .longValue();
    }

    /** Fills a guest's reference TSC page: sequence (u32), scale at 8, offset at 16. */
    void writePage(MemorySegment memory, long at) {
        memory.set(JAVA_LONG_UNALIGNED, at + 8, scale());
        memory.set(JAVA_LONG_UNALIGNED, at + 16, 0);
        memory.set(JAVA_INT_UNALIGNED, at, 1);
    }
}
