package dev.airlock.jmh;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Mapping and unmapping of a guest that is not isolated, by scatterlist; times are per entry. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class IdentityBenchmark {
    private static final int ENTRY_BYTES = 4096;

    private final MappedList one = new MappedList(false, 1, ENTRY_BYTES, true);
    private final MappedList some = new MappedList(false, 16, ENTRY_BYTES, true);
    private final MappedList many = new MappedList(false, 256, ENTRY_BYTES, true);

    /** Fails if anything would be bounced. */
    @Setup
    public void check() {
        one.requireBounced(false);
        many.requireBounced(false);
    }

    @TearDown
    public void close() {
        one.close();
        some.close();
        many.close();
    }

    /** A list of one entry. */
    @Benchmark
    public long entriesOf1() {
        return one.mapAndUnmap();
    }

    /** A list of 16. */
    @Benchmark
    @OperationsPerInvocation(16)
    public long entriesOf16() {
        return some.mapAndUnmap();
    }

    /** A list of 256, 1 MiB. */
    @Benchmark
    @OperationsPerInvocation(256)
    public long entriesOf256() {
        return many.mapAndUnmap();
    }
}
