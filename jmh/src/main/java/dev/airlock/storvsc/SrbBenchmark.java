package dev.airlock.storvsc;

import dev.airlock.memory.HvPage;
import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.vmbus.GpaDirectPacket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The packet of a command, from CDB to PFNs. In the driver's package, whose inner part it measures.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SrbBenchmark {
    private static final int PAGES_MAX = 63;
    private static final int PACKET_BYTES_MAX = 1024;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment packet = arena.allocate(PACKET_BYTES_MAX, Long.BYTES);
    private final ScsiRequest request = new ScsiRequest(1);
    private long id;

    @TearDown
    public void free() {
        arena.close();
    }

    /** READ(10) of 4 KiB, one page. */
    @Benchmark
    public MemorySegment read4KiB() {
        return build(1);
    }

    /** READ(10) of 252 KiB, the most that one bounce carries: 63 pages. */
    @Benchmark
    public MemorySegment read252KiB() {
        return build(PAGES_MAX);
    }

    private MemorySegment build(int pages) {
        int dataBytes = pages << HvPage.SHIFT;
        request.prepare(0, 0, 0, DataDirection.FROM_DEVICE);
        request.tagged(true);
        request.addData(HvPage.SIZE, dataBytes);
        Cdb.encode(request.cdb(), 0, ScsiCommand.READ_10, id & 0xFFFF, dataBytes / 512);
        request.cdbLength(ScsiCommand.READ_10.cdbBytes());
        int vstorAt = SrbPacket.encodeHead(packet, 0, dataBytes, 0, pages, ++id);
        for (int page = 0; page < pages; page++) {
            GpaDirectPacket.putPfn(packet, 0, page, id + page);
        }
        SrbPacket.encodeSrb(packet, vstorAt, request, 0);
        return packet;
    }
}
