package dev.airlock.jmh;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What a doorbell costs when nobody sleeps on it: its system calls, on one thread. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DoorbellBenchmark {
    private final EventFd doorbell;

    /** With a doorbell of its own. */
    public DoorbellBenchmark() {
        try {
            doorbell = EventFd.create();
        } catch (LinuxException e) {
            throw new IllegalStateException(e);
        }
    }

    @TearDown
    public void close() {
        doorbell.close();
    }

    /** Rung, again and again, by a side whose peer is late. */
    @Benchmark
    public boolean ring() {
        return doorbell.signal();
    }

    /** Rung, found rung, and quiet again: a wake-up without the sleep. */
    @Benchmark
    public boolean ringAwaitDrain() throws LinuxException {
        doorbell.signal();
        boolean rung = doorbell.await(-1);
        return doorbell.drain() & rung;
    }
}
