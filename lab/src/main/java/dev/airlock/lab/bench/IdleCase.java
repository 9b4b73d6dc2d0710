package dev.airlock.lab.bench;

import dev.airlock.linux.Usage;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What a process uses while nothing is asked of it: the share of one processor over a window. One
 * run of the whole benchmark's idle time; the windows follow each other.
 */
final class IdleCase implements BenchCase {
    /** After the last I/O, before the first window. */
    private static final long CALM_NANOS = 1_000_000_000;

    private static final long WINDOW_NANOS = 2_000_000_000;
    private static final double MIB = 1 << 20;

    private final long hostPid;
    private final boolean host;
    private double otherPercent;

    /** Windows of the ten seconds that the aim speaks of. */
    static final int WINDOWS = 5;

    IdleCase(long hostPid, boolean host) {
        this.hostPid = hostPid;
        this.host = host;
    }

    @Override
    public Label label() {
        return new Label(host ? "idle host process" : "idle guest process", "both", "% of a core");
    }

    @Override
    public Aim aim() {
        return Aim.atMost(0.5);
    }

    /** Lets things calm down. */
    static void calm() throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(CALM_NANOS);
    }

    /** Waits a window; {@code nanos} is not looked at. Tells the other side by {@link #other}. */
    @Override
    public Figures measure(long nanos) throws IOException, InterruptedException {
        long guest = Usage.selfCpuNanos();
        long hostCpu = Usage.cpuNanos(hostPid);
        long start = System.nanoTime();
        TimeUnit.NANOSECONDS.sleep(WINDOW_NANOS);
        double elapsed = System.nanoTime() - start;
        double guestPercent = (Usage.selfCpuNanos() - guest) * 100 / elapsed;
        double hostPercent = (Usage.cpuNanos(hostPid) - hostCpu) * 100 / elapsed;
        otherPercent = host ? guestPercent : hostPercent;
        Usage usage = Usage.of(hostPid);
        double own = (usage.rssAnonBytes() + usage.rssFileBytes()) / MIB;
        return new Figures(
                host ? hostPercent : guestPercent, Map.of("hostOwnMemoryMiB", own), Map.of());
    }

    /** What the other process used in the last window. */
    Figures other() {
        return Figures.of(otherPercent);
    }
}
