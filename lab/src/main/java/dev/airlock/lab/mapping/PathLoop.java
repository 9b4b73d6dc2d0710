package dev.airlock.lab.mapping;

import com.sun.management.ThreadMXBean;
import dev.airlock.dma.Scatterlist;
import dev.airlock.linux.Cpu;
import dev.airlock.linux.LinuxException;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.block.BlockStatus;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SynchronizedHistogram;
import org.jspecify.annotations.Nullable;

/**
 * Keeps I/Os of one shape going through the whole path, one for each buffer; each completion
 * submits the next. One object is one measurement.
 */
final class PathLoop {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final long END_SECONDS = 60;

    private final BlockDevice device;
    private final boolean write;
    private final boolean pinned;
    private final List<Slot> slots = new ArrayList<>();
    private final AtomicLong completed = new AtomicLong();
    private final Histogram latencyNs = new SynchronizedHistogram(3);
    private final CountDownLatch ended;
    private volatile long completingThread;
    private volatile boolean measuring;
    private volatile boolean stopping;
    private volatile BlockStatus failure = BlockStatus.OK;
    private volatile @Nullable String unpinned;

    /**
     * What was measured.
     *
     * @param p50Us median latency
     * @param p99Us the 99th percentile
     * @param iops I/Os a second
     * @param allocatedBytes Java heap that the channel's thread took for each I/O: it completes one
     *     and submits the next
     */
    record Figures(double p50Us, double p99Us, double iops, double allocatedBytes) {}

    /**
     * @param buffers where each I/O's data is; their number is the queue depth
     */
    PathLoop(BlockDevice device, LabOptions options, List<Scatterlist> buffers) {
        this.device = device;
        this.write = options.write();
        this.pinned = options.pinned();
        buffers.forEach(buffer -> slots.add(new Slot(buffer)));
        ended = new CountDownLatch(slots.size());
    }

    /**
     * Runs.
     *
     * @param warmNanos how long before measuring
     * @param nanos how long to measure
     */
    Figures run(long warmNanos, long nanos) throws IOException, InterruptedException {
        slots.forEach(Slot::next);
        TimeUnit.NANOSECONDS.sleep(warmNanos);
        while (completingThread == 0) {
            Thread.onSpinWait(); // a host that was asleep: microseconds
        }
        measuring = true;
        long thread = completingThread;
        long allocated = THREADS.getThreadAllocatedBytes(thread);
        long count = completed.get();
        long start = System.nanoTime();
        do {
            TimeUnit.NANOSECONDS.sleep(nanos); // again, if a stalled machine did nothing meanwhile
        } while (completed.get() == count);
        long elapsed = System.nanoTime() - start;
        count = completed.get() - count;
        allocated = THREADS.getThreadAllocatedBytes(thread) - allocated;
        measuring = false;
        stopping = true;
        if (!ended.await(END_SECONDS, TimeUnit.SECONDS)) {
            throw new IOException("I/O did not end");
        }
        if (unpinned != null) {
            throw new IOException("the channel's thread cannot be pinned: " + unpinned);
        }
        if (failure != BlockStatus.OK) {
            throw new IOException("I/O failed: status=" + failure);
        }
        return new Figures(
                latencyNs.getValueAtPercentile(50) / 1e3,
                latencyNs.getValueAtPercentile(99) / 1e3,
                count * 1e9 / elapsed,
                (double) allocated / Math.max(1, count));
    }

    /**
     * Once two spinning peers share a processor they do not leave it, each giving way to the other:
     * a round trip is then two context switches. So the channel's thread stays on the first
     * processor; whoever starts the host keeps it on another.
     */
    private void pinToFirstProcessor() {
        try {
            int[] processors = Cpu.available();
            if (pinned && processors.length > 1) {
                Cpu.pin(processors[0]);
            }
        } catch (LinuxException e) {
            unpinned = e.getMessage();
        }
    }

    /** One I/O in flight, over and over. */
    private final class Slot {
        private final BlockRequest request = new BlockRequest();
        private final Scatterlist buffer;
        private final long places;
        private long place;
        private long submittedNanoTime;

        Slot(Scatterlist buffer) {
            this.buffer = buffer;
            places = device.sizeBytes() / buffer.totalBytes();
            request.onCompletion(this::completed);
        }

        void next() {
            long offset = place * buffer.totalBytes();
            place = (place + 1) % places;
            if (write) {
                request.write(offset, buffer, false);
            } else {
                request.read(offset, buffer);
            }
            submittedNanoTime = System.nanoTime();
            device.submit(request);
        }

        private void completed(BlockRequest done) {
            if (measuring) {
                latencyNs.recordValue(System.nanoTime() - submittedNanoTime);
            }
            completed.incrementAndGet();
            if (completingThread == 0) {
                pinToFirstProcessor();
                completingThread = Thread.currentThread().threadId();
            }
            if (done.status() != BlockStatus.OK) {
                failure = done.status();
                stopping = true;
            }
            if (stopping) {
                ended.countDown();
            } else {
                next();
            }
        }
    }
}
