package dev.airlock.lab.workload;

import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.Scatterlist;
import dev.airlock.storvsc.IoMapping;
import dev.airlock.storvsc.WholeEntryMapping;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;

/**
 * The product's way of mapping, with a stopwatch: time spent in map and unmap, copies included.
 * Costs two clock reads a call, so it is for runs that report the time, not for those that race.
 * Thread safe.
 */
public final class TimedMapping {
    private final LongAdder nanos = new LongAdder();
    private final LongAdder maps = new LongAdder();

    /** For {@link dev.airlock.storvsc.StorvscOptions#mapping}. */
    public IoMapping.Factory factory() {
        return (mapper, tags, maxPages) -> new Timed(new WholeEntryMapping(mapper));
    }

    /** Mean nanoseconds of mapping and unmapping one command; 0 before the first. */
    public double nanosPerIo() {
        long count = maps.sum();
        return count == 0 ? 0 : (double) nanos.sum() / count;
    }

    private final class Timed implements IoMapping {
        private final IoMapping timed;

        Timed(IoMapping timed) {
            this.timed = timed;
        }

        @Override
        public int map(
                int tag,
                Scatterlist list,
                DmaDirection direction,
                int attributes,
                MemorySegment packet,
                long at) {
            long start = System.nanoTime();
            int pages = timed.map(tag, list, direction, attributes, packet, at);
            if (pages > 0) {
                nanos.add(System.nanoTime() - start);
                maps.increment();
            }
            return pages;
        }

        @Override
        public void unmap(int tag, Scatterlist list, DmaDirection direction, int attributes) {
            long start = System.nanoTime();
            timed.unmap(tag, list, direction, attributes);
            nanos.add(System.nanoTime() - start);
        }

        @Override
        public boolean exposesCaller(int tag, Scatterlist list) {
            return timed.exposesCaller(tag, list);
        }

        @Override
        public int slotsHeld(int tag, Scatterlist list) {
            return timed.slotsHeld(tag, list);
        }
    }
}
