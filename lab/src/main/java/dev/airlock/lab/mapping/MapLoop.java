package dev.airlock.lab.mapping;

import com.sun.management.ThreadMXBean;
import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.storvsc.IoMapping;
import dev.airlock.vmbus.GpaDirectPacket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Maps and unmaps the same few I/Os over and over with a driver's mapping, without the rest of the
 * path, so that a clock read is shared by many calls. I/Os are cut into commands as the block layer
 * cuts them. One thread.
 */
final class MapLoop {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int BATCHES_MAX = 1 << 14;

    private final IoMapping mapping;
    private final DmaDirection direction;
    private final int ios;
    private final List<Scatterlist> commands = new ArrayList<>();
    private final MemorySegment packet;
    private final long[] mapNs = new long[BATCHES_MAX];
    private final long[] unmapNs = new long[BATCHES_MAX];

    /**
     * What one I/O costs.
     *
     * @param mapNs to map all its commands, copies included
     * @param unmapNs to unmap them
     * @param allocatedBytes Java heap taken meanwhile
     */
    record Cost(double mapNs, double unmapNs, double allocatedBytes) {}

    /**
     * @param buffers an I/O each; all are mapped before the first is unmapped
     * @param maxCommandBytes data of one command, at most
     */
    MapLoop(
            DmaMapper mapper,
            Way way,
            DmaDirection direction,
            List<Scatterlist> buffers,
            int maxCommandBytes) {
        this.direction = direction;
        ios = buffers.size();
        for (Scatterlist buffer : buffers) {
            cut(buffer, maxCommandBytes);
        }
        int maxPages = (maxCommandBytes >> HvPage.SHIFT) + 1;
        mapping = way.factory().create(mapper, commands.size(), maxPages);
        packet =
                Arena.ofAuto()
                        .allocate(
                                GpaDirectPacket.packetBytes(maxPages, VstorPacket.BYTES),
                                Long.BYTES);
    }

    /** Runs for so long, at least once. */
    Cost measure(long nanos) {
        long thread = Thread.currentThread().threadId();
        int batches = 0;
        long allocated = THREADS.getThreadAllocatedBytes(thread);
        long begin = System.nanoTime();
        long end;
        do {
            long start = System.nanoTime();
            for (int tag = 0; tag < commands.size(); tag++) {
                int pages =
                        mapping.map(
                                tag, commands.get(tag), direction, DmaAttributes.NONE, packet, 0);
                if (pages <= 0) {
                    throw new IllegalStateException("nothing mapped: result=" + pages);
                }
            }
            long mapped = System.nanoTime();
            for (int tag = 0; tag < commands.size(); tag++) {
                mapping.unmap(tag, commands.get(tag), direction, DmaAttributes.NONE);
            }
            end = System.nanoTime();
            mapNs[batches] = mapped - start;
            unmapNs[batches] = end - mapped;
            batches++;
        } while (end - begin < nanos && batches < BATCHES_MAX);
        allocated = THREADS.getThreadAllocatedBytes(thread) - allocated;
        return new Cost(
                median(mapNs, batches) / ios,
                median(unmapNs, batches) / ios,
                (double) allocated / batches / ios);
    }

    private static double median(long[] values, int count) {
        Arrays.sort(values, 0, count);
        return (values[(count - 1) / 2] + values[count / 2]) / 2.0;
    }

    private void cut(Scatterlist buffer, int maxBytes) {
        Scatterlist command = new Scatterlist(buffer.entries());
        for (int entry = 0; entry < buffer.entries(); entry++) {
            long gpa = buffer.gpa(entry);
            int left = buffer.bytes(entry);
            while (left > 0) {
                if (command.totalBytes() == maxBytes) {
                    commands.add(command);
                    command = new Scatterlist(buffer.entries());
                }
                int part = (int) Math.min(left, maxBytes - command.totalBytes());
                command.add(gpa, part);
                gpa += part;
                left -= part;
            }
        }
        commands.add(command);
    }
}
