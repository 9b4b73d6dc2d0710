package dev.airlock.linux;

import static java.lang.foreign.FunctionDescriptor.of;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Calls on processors and clocks; each returns its result or a negative errno. */
final class ClockCalls {
    private static final MethodHandle SCHED_GETCPU = Native.critical("sched_getcpu", of(JAVA_INT));
    private static final MethodHandle SCHED_SETAFFINITY =
            Native.function("sched_setaffinity", of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle SCHED_GETAFFINITY =
            Native.function("sched_getaffinity", of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle CLOCK_GETTIME =
            Native.function("clock_gettime", of(JAVA_INT, JAVA_INT, ADDRESS));

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
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: mask is passed with its own size; 0 names the calling thread.
            int r = (int) SCHED_SETAFFINITY.invokeExact(frame.errno, 0, mask.byteSize(), mask);
            return r == -1 ? frame.failure() : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int getAffinity(MemorySegment mask) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: mask is passed with its own size; 0 names the calling thread.
            int r = (int) SCHED_GETAFFINITY.invokeExact(frame.errno, 0, mask.byteSize(), mask);
            return r == -1 ? frame.failure() : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Nanoseconds of a clock, or a negative errno. */
    static long nanos(int clock) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: word holds a struct timespec (16 bytes).
            int r = (int) CLOCK_GETTIME.invokeExact(frame.errno, clock, frame.word);
            if (r == -1) {
                return frame.failure();
            }
            return frame.word.get(JAVA_LONG, 0) * 1_000_000_000L + frame.word.get(JAVA_LONG, 8);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
