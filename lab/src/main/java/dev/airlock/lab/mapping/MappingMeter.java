package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.Scatterlist;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.storvsc.IoMapping;
import dev.airlock.vmbus.GpaDirectPacket;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts the commands that a driver maps, while it is on; off, it costs a read of a field a call.
 * Thread safe.
 */
final class MappingMeter {
    private final LongAdder commands = new LongAdder();
    private final LongAdder calls = new LongAdder();
    private final LongAdder packetBytes = new LongAdder();
    private volatile boolean on;

    /**
     * What was counted.
     *
     * @param commands SRBs
     * @param mapCalls calls of the DMA API that map
     * @param packetBytes of the SRBs' packets in the ring, each with the ring's trailer
     */
    record Counts(long commands, long mapCalls, long packetBytes) {}

    /** A driver that is counted. */
    IoMapping.Factory factory(Way way) {
        return (mapper, tags, maxPages) ->
                new Counted(way, way.factory().create(mapper, tags, maxPages));
    }

    /** Begins to count at zero. */
    void start() {
        commands.reset();
        calls.reset();
        packetBytes.reset();
        on = true;
    }

    /** Ends counting. */
    Counts stop() {
        on = false;
        return new Counts(commands.sum(), calls.sum(), packetBytes.sum());
    }

    private final class Counted implements IoMapping {
        /** {@code hv_ringbuffer_write}: the previous write index follows each packet. */
        private static final int TRAILER_BYTES = Long.BYTES;

        private final Way way;
        private final IoMapping mapping;

        Counted(Way way, IoMapping mapping) {
            this.way = way;
            this.mapping = mapping;
        }

        @Override
        public int map(
                int tag,
                Scatterlist list,
                DmaDirection direction,
                int attributes,
                MemorySegment packet,
                long at) {
            int pages = mapping.map(tag, list, direction, attributes, packet, at);
            if (on && pages > 0) {
                commands.increment();
                calls.add(way.mapCalls(pages));
                packetBytes.add(
                        GpaDirectPacket.packetBytes(pages, VstorPacket.BYTES) + TRAILER_BYTES);
            }
            return pages;
        }

        @Override
        public void unmap(int tag, Scatterlist list, DmaDirection direction, int attributes) {
            mapping.unmap(tag, list, direction, attributes);
        }

        @Override
        public boolean exposesCaller(int tag, Scatterlist list) {
            return mapping.exposesCaller(tag, list);
        }

        @Override
        public int slotsHeld(int tag, Scatterlist list) {
            return mapping.slotsHeld(tag, list);
        }
    }
}
