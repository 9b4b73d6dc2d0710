package dev.airlock.jmh;

import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Command descriptor blocks: opcode to command, LBA and count out, and the way back. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CdbBenchmark {
    private static final ScsiCommand[] MIX = {
        ScsiCommand.READ_10, ScsiCommand.WRITE_10, ScsiCommand.READ_16, ScsiCommand.WRITE_16,
    };

    /** A constant for {@link OperationsPerInvocation}: the length of {@link #MIX}. */
    private static final int MIXED = 4;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment read10 = arena.allocate(Cdb.BYTES, Long.BYTES);
    private final MemorySegment mix = arena.allocate((long) Cdb.BYTES * MIXED, Long.BYTES);
    private long lba = 12_345;

    /** Encodes what is decoded. */
    public CdbBenchmark() {
        Cdb.encode(read10, 0, ScsiCommand.READ_10, lba, 8);
        for (int i = 0; i < MIXED; i++) {
            Cdb.encode(mix, (long) i * Cdb.BYTES, MIX[i], lba, 8);
        }
    }

    @TearDown
    public void free() {
        arena.close();
    }

    /** The command, its LBA and its count. */
    @Benchmark
    public long decodeRead10() {
        return decode(read10, 0);
    }

    /** As {@link #decodeRead10}, each after another kind; per CDB. */
    @Benchmark
    @OperationsPerInvocation(MIXED)
    public long decodeMix() {
        long sum = 0;
        for (int i = 0; i < MIXED; i++) {
            sum += decode(mix, (long) i * Cdb.BYTES);
        }
        return sum;
    }

    /** A READ(10) of the next block. */
    @Benchmark
    public void encodeRead10() {
        Cdb.encode(read10, 0, ScsiCommand.READ_10, lba++ & 0xFFFF, 8);
    }

    private static long decode(MemorySegment cdb, long at) {
        ScsiCommand command = ScsiCommand.of(cdb, at);
        if (command == null) {
            throw new IllegalStateException("no command");
        }
        return command.lba(cdb, at) + command.count(cdb, at);
    }
}
