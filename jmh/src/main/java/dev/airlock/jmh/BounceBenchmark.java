package dev.airlock.jmh;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Mapping and unmapping of an isolated guest's buffers for a read, in entries of 64 KiB at most;
 * times are for the whole buffer.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BounceBenchmark {
    private static final int ENTRY_BYTES_MAX = 64 << 10;

    /** Bytes of the buffer. */
    @Param({"512", "4096", "65536", "1048576"})
    public int bytes;

    /** Whether it is copied, in and out, or slots are taken and freed only. */
    @Param({"false", "true"})
    public boolean copies;

    private MappedList buffer = new MappedList(true, 1, 512, false);

    /** The buffer of this trial. */
    @Setup
    public void allocate() {
        buffer.close();
        int entryBytes = Math.min(bytes, ENTRY_BYTES_MAX);
        buffer = new MappedList(true, bytes / entryBytes, entryBytes, copies);
        buffer.requireBounced(true);
    }

    @TearDown
    public void close() {
        buffer.close();
    }

    /** All of it. */
    @Benchmark
    public long mapAndUnmap() {
        return buffer.mapAndUnmap();
    }
}
