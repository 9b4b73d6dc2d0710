package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Calls on processors and clocks; each returns its result or a negative errno. */
final class ClockCalls {
    private static final MethodHandle SCHED_GETCPU =
            Native.critical("sched_getcpu", FunctionDescriptor.of(JAVA_INT));
    private static final MethodHandle SCHED_SETAFFINITY = Native.function("sched_setaffinity");
    private static final MethodHandle SCHED_GETAFFINITY = Native.function("sched_getaffinity");
    private static final MethodHandle CLOCK_GETTIME = Native.function("clock_gettime");

    private static final MethodHandle GETRUSAGE = Native.function("getrusage");

    private ClockCalls() {}

    static int getcpu() {
        try {
            // SAFETY: no arguments; reads the rseq area or the vDSO and cannot block.
            return (int) SCHED_GETCPU.invokeExact();
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int setAffinity(MemorySegment mask) {
        // SAFETY: mask is passed with its own size, in an arena of the calling thread, which 0
        // names.
        return Native.callInt(SCHED_SETAFFINITY, 0, mask.byteSize(), mask.address());
    }

    static int getAffinity(MemorySegment mask) {
        // SAFETY: as in setAffinity.
        return Native.callInt(SCHED_GETAFFINITY, 0, mask.byteSize(), mask.address());
    }

    static int getrusage(int who, MemorySegment usage) {
        // SAFETY: usage is a struct rusage (144 bytes) in an arena of the calling thread.
        return Native.callInt(GETRUSAGE, who, usage.address(), 0);
    }

    /** Nanoseconds of a clock, or a negative errno. */
    static long nanos(int clock) {
        CallFrame frame = CallFrame.current();
        // SAFETY: word holds a struct timespec (16 bytes).
        int result = Native.callInt(CLOCK_GETTIME, frame, clock, frame.word.address(), 0, 0, 0, 0);
        if (result < 0) {
            return result;
        }
        return frame.word.get(JAVA_LONG, 0) * 1_000_000_000L + frame.word.get(JAVA_LONG, 8);
    }
}
