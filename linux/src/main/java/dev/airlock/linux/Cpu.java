package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;

/** Processors as the scheduler numbers them. Stateless. */
public final class Cpu {
    /** Processors a mask can name. */
    private static final int CPUS_MAX = 8192;

    private Cpu() {}

    /**
     * The processor this thread runs on, which may be another by the time it is used. Some
     * nanoseconds, no allocation.
     */
    public static int current() {
        return Math.max(0, ClockCalls.getcpu());
    }

    /** Keeps the calling (platform) thread on one processor from now on. */
    public static void pin(int cpu) throws LinuxException {
        if (cpu < 0 || cpu >= CPUS_MAX) {
            throw new IllegalArgumentException("no such processor: cpu=" + cpu);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(CPUS_MAX / 8, 8);
            mask.set(JAVA_BYTE, cpu / 8, (byte) (1 << cpu % 8));
            int result = ClockCalls.setAffinity(mask);
            if (result < 0) {
                throw new LinuxException("sched_setaffinity", "cpu=" + cpu, -result);
            }
        }
    }

    /** The processors the calling thread may run on, ascending. */
    public static int[] available() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(CPUS_MAX / 8, 8);
            int result = ClockCalls.getAffinity(mask);
            if (result < 0) {
                throw new LinuxException("sched_getaffinity", "", -result);
            }
            return IntStream.range(0, CPUS_MAX)
                    .filter(cpu -> (mask.get(JAVA_BYTE, cpu / 8) & 1 << cpu % 8) != 0)
                    .toArray();
        }
    }
}
