package dev.airlock.jmh;

import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.RingWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
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

/**
 * One end of a ring on one thread, packet by packet and in batches; the other end is played by one
 * store to its index, so nothing but this end is measured. Times are per packet.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RingBenchmark {
    private static final int BATCH = 32;

    /** With its trailer 128 bytes, so that packets lie where they lay the last time round. */
    private static final int PACKET_BYTES = 120;

    private static final int STRIDE = PACKET_BYTES + RingLayout.TRAILER_BYTES;
    private static final int DATA_BYTES = 16 * HvPage.SIZE;
    private static final VarHandle U32 =
            ValueLayout.JAVA_INT
                    .withOrder(ByteOrder.LITTLE_ENDIAN)
                    .varHandle()
                    .withInvokeExactBehavior();

    private final Arena arena = Arena.ofShared();
    private final MemorySegment packet = arena.allocate(PACKET_BYTES, Long.BYTES);
    private final MemorySegment copy = arena.allocate(PACKET_BYTES, Long.BYTES);
    private final MemorySegment outbound = arena.allocate(HvPage.SIZE + DATA_BYTES, HvPage.SIZE);
    private final MemorySegment inbound = arena.allocate(HvPage.SIZE + DATA_BYTES, HvPage.SIZE);
    private final RingWriter writer = new RingWriter(outbound);
    private final RingReader reader = new RingReader(inbound);
    private int outboundRead;
    private int inboundWrite;

    /** Fills the ring that is read once: its packets stay where they are. */
    @Setup
    public void fill() {
        PacketDescriptor.encode(
                packet, 0, PacketDescriptor.TYPE_DATA_INBAND, 16, PACKET_BYTES, 0, 7);
        for (int at = 0; at < DATA_BYTES; at += STRIDE) {
            MemorySegment.copy(packet, 0, inbound, RingLayout.DATA_OFFSET + at, PACKET_BYTES);
        }
    }

    @TearDown
    public void free() {
        arena.close();
    }

    /** Write, publish: the reader is asleep, so each packet asks for a signal. */
    @Benchmark
    public int writeOne() {
        if (!writer.write(packet, 0, PACKET_BYTES)) {
            throw new IllegalStateException("ring full");
        }
        int signal = writer.publish();
        peerTakes(1);
        return signal;
    }

    /** Many written, published together. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public int writeBatch() {
        for (int i = 0; i < BATCH; i++) {
            if (!writer.write(packet, 0, PACKET_BYTES)) {
                throw new IllegalStateException("ring full");
            }
        }
        int signal = writer.publish();
        peerTakes(BATCH);
        return signal;
    }

    /** Read, give the room back. */
    @Benchmark
    public boolean readOne() {
        peerSends(1);
        take();
        return reader.consumed();
    }

    /** Many read, their room given back together. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public boolean readBatch() {
        peerSends(BATCH);
        for (int i = 0; i < BATCH; i++) {
            take();
        }
        return reader.consumed();
    }

    /** What a reader does before it sleeps and after: two fences' worth of doorbell. */
    @Benchmark
    public boolean unmaskAndMask() {
        boolean more = reader.unmaskInterrupts();
        reader.maskInterrupts();
        return more;
    }

    private void take() {
        if (reader.read(copy, 0, PACKET_BYTES) != PACKET_BYTES) {
            throw new IllegalStateException("no packet");
        }
    }

    private void peerTakes(int packets) {
        outboundRead = (outboundRead + packets * STRIDE) % DATA_BYTES;
        U32.setRelease(outbound, (long) RingLayout.READ_INDEX_OFFSET, outboundRead);
    }

    private void peerSends(int packets) {
        inboundWrite = (inboundWrite + packets * STRIDE) % DATA_BYTES;
        U32.setRelease(inbound, (long) RingLayout.WRITE_INDEX_OFFSET, inboundWrite);
    }
}
