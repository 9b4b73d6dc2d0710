package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a process has used. Immutable.
 *
 * @param cpuNanos processor time of all its threads, finished ones too
 * @param rssAnonBytes resident memory of its own
 * @param rssFileBytes resident pages of files
 * @param rssShmemBytes resident shared memory, memfds among it: guest memory
 */
public record Usage(long cpuNanos, long rssAnonBytes, long rssFileBytes, long rssShmemBytes) {
    /** {@code linux/time.h}. */
    private static final int CLOCK_PROCESS_CPUTIME_ID = 2;

    /** Low bits of a process's scheduler clock in {@code linux/posix-timers.h}: CPUCLOCK_SCHED. */
    private static final int CPUCLOCK_SCHED = 2;

    /** {@code bits/resource.h}, and the size of its struct rusage on 64-bit systems. */
    private static final int RUSAGE_CHILDREN = -1;

    private static final int RUSAGE_BYTES = 144;

    /** Processor time of this process, in nanoseconds. Does not allocate. */
    public static long selfCpuNanos() {
        return ClockCalls.nanos(CLOCK_PROCESS_CPUTIME_ID);
    }

    /**
     * Processor time of all children of this process that have ended and were waited for, and of
     * theirs, in nanoseconds: the difference is a child's when it was the only one to end.
     */
    public static long childrenCpuNanos() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment usage = arena.allocate(RUSAGE_BYTES, Long.BYTES);
            int result = ClockCalls.getrusage(RUSAGE_CHILDREN, usage);
            if (result < 0) {
                throw new LinuxException("getrusage", "who=children", -result);
            }
            // Two struct timeval: seconds and microseconds in user and in system mode.
            long seconds = usage.get(JAVA_LONG, 0) + usage.get(JAVA_LONG, 16);
            long micros = usage.get(JAVA_LONG, 8) + usage.get(JAVA_LONG, 24);
            return seconds * 1_000_000_000L + micros * 1_000;
        }
    }

    /** Processor time of any process, in nanoseconds. */
    public static long cpuNanos(long pid) throws LinuxException {
        if (pid <= 0 || pid > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("not a process number: pid=" + pid);
        }
        // The clock that clock_getcpuclockid(3) names: exact, where /proc/PID/stat counts ticks of
        // 10 ms.
        long nanos = ClockCalls.nanos(~(int) pid << 3 | CPUCLOCK_SCHED);
        if (nanos < 0) {
            // An absent process is EINVAL here.
            throw new LinuxException(
                    "clock_gettime",
                    "pid=" + pid,
                    nanos == -Errno.EINVAL ? Errno.ESRCH : (int) -nanos);
        }
        return nanos;
    }

    /** Processor time and memory of a process. */
    public static Usage of(long pid) throws LinuxException {
        long cpuNanos = cpuNanos(pid);
        try {
            String status = Files.readString(Path.of("/proc/" + pid + "/status"));
            return new Usage(
                    cpuNanos,
                    bytes(status, "RssAnon:"),
                    bytes(status, "RssFile:"),
                    bytes(status, "RssShmem:"));
        } catch (IOException e) {
            // Absent, or it ended while being read.
            throw (LinuxException)
                    new LinuxException("usage", "pid=" + pid, Errno.ESRCH).initCause(e);
        }
    }

    /** Of this process. */
    public static Usage self() throws LinuxException {
        return of(ProcessHandle.current().pid());
    }

    /** A line such as {@code RssAnon: 1234 kB}; absent (a zombie) is none. */
    private static long bytes(String status, String name) {
        int at = status.indexOf("\n" + name);
        if (at < 0) {
            return 0;
        }
        int from = at + 1 + name.length();
        String value = status.substring(from, status.indexOf("kB", from)).strip();
        return Long.parseLong(value) * 1024;
    }
}
