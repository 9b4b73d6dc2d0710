package dev.airlock.lab.bench;

import dev.airlock.dma.Scatterlist;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Usage;
import dev.airlock.memory.HvPage;
import dev.airlock.memory.PageAllocator;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.block.BlockStatus;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SynchronizedHistogram;

/**
 * Keeps a {@link Load} going on one disk for a moment and measures it. Each completion submits the
 * next I/O, as a driver's queue does, so no thread hand-off is in the figures. One object is one
 * run.
 */
final class LoadRun {
    private static final long END_SECONDS = 60;

    private final StorageGuest guest;
    private final BlockDevice device;
    private final Load load;
    private final AtomicLong completed = new AtomicLong();
    private final AtomicLong position = new AtomicLong();
    private final Histogram latencyNs = new SynchronizedHistogram(3);
    private final CountDownLatch ended;
    private volatile boolean measuring;
    private volatile boolean stopping;
    private volatile BlockStatus failure = BlockStatus.OK;

    /**
     * What was measured.
     *
     * @param iops I/Os a second
     * @param p50Us median latency
     * @param p99Us the 99th percentile
     * @param guestCpuUs CPU of this whole process for each I/O
     * @param hostCpuUs CPU of the whole host process for each I/O
     * @param signals doorbells rung by the guest for each I/O
     */
    record Measured(
            double iops,
            double p50Us,
            double p99Us,
            double guestCpuUs,
            double hostCpuUs,
            double signals) {}

    LoadRun(StorageGuest guest, BlockDevice device, Load load) {
        this.guest = guest;
        this.device = device;
        this.load = load;
        ended = new CountDownLatch(load.queueDepth());
    }

    /**
     * Runs.
     *
     * @param warmNanos how long to run before measuring
     * @param nanos how long to measure
     * @param hostPid the host's process
     */
    Measured run(long warmNanos, long nanos, long hostPid)
            throws IOException, InterruptedException {
        PageAllocator pages = guest.memory().privatePages();
        List<Long> buffers = new ArrayList<>();
        try {
            List<Slot> slots = new ArrayList<>();
            for (int i = 0; i < load.queueDepth(); i++) {
                long buffer = pages.allocate(load.blockBytes(), HvPage.SIZE);
                if (buffer == PageAllocator.NONE) {
                    throw new IOException("guest memory is too small for " + load.name());
                }
                buffers.add(buffer);
                slots.add(new Slot(buffer, i));
            }
            slots.forEach(Slot::next);
            TimeUnit.NANOSECONDS.sleep(warmNanos);
            Measured measured = measure(nanos, hostPid);
            stopping = true;
            if (!ended.await(END_SECONDS, TimeUnit.SECONDS)) {
                buffers.clear(); // the host may still use them
                throw new IOException("I/O did not end: " + load.name());
            }
            if (failure != BlockStatus.OK) {
                throw new IOException("I/O failed: " + load.name() + " status=" + failure);
            }
            return measured;
        } finally {
            for (long buffer : buffers) {
                pages.free(buffer, load.blockBytes());
            }
        }
    }

    private Measured measure(long nanos, long hostPid) throws LinuxException, InterruptedException {
        latencyNs.reset();
        measuring = true;
        long signals = guest.adapter().statistics().signals();
        long guestCpu = Usage.selfCpuNanos();
        long hostCpu = Usage.cpuNanos(hostPid);
        long count = completed.get();
        long start = System.nanoTime();
        TimeUnit.NANOSECONDS.sleep(nanos);
        long elapsed = System.nanoTime() - start;
        count = completed.get() - count;
        double ios = Math.max(1, count);
        guestCpu = Usage.selfCpuNanos() - guestCpu;
        hostCpu = Usage.cpuNanos(hostPid) - hostCpu;
        signals = guest.adapter().statistics().signals() - signals;
        measuring = false;
        return new Measured(
                count * 1e9 / elapsed,
                latencyNs.getValueAtPercentile(50) / 1e3,
                latencyNs.getValueAtPercentile(99) / 1e3,
                guestCpu / 1e3 / ios,
                hostCpu / 1e3 / ios,
                signals / ios);
    }

    /** One I/O in flight, over and over. */
    private final class Slot {
        private final BlockRequest request = new BlockRequest();
        private final Scatterlist list = new Scatterlist(1);
        private final SplittableRandom random;
        private final long blocks = device.sizeBytes() / load.blockBytes();
        private long submittedNanoTime;

        Slot(long buffer, int seed) {
            random = new SplittableRandom(seed);
            list.add(buffer, load.blockBytes());
            request.onCompletion(this::completed);
        }

        void next() {
            long block =
                    load.random() ? random.nextLong(blocks) : position.getAndIncrement() % blocks;
            long offset = block * load.blockBytes();
            if (load.write()) {
                request.write(offset, list, false);
            } else if (load.overwriting()) {
                request.readOverwriting(offset, list);
            } else {
                request.read(offset, list);
            }
            submittedNanoTime = System.nanoTime();
            device.submit(request);
        }

        private void completed(BlockRequest done) {
            completed.incrementAndGet();
            if (measuring) {
                latencyNs.recordValue(System.nanoTime() - submittedNanoTime);
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
