package dev.airlock.lab.workload;

import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.memory.PageAllocator;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Mixed I/O of all sizes on a disk, at random in-page offsets of private guest memory, every byte
 * that is read held against what it must be; at the end all that was written is read once more.
 * What {@code airlock run}, soaks and the tests of hostile peers have running.
 *
 * <p>Each worker owns an area of the disk, so no two I/Os in flight touch the same sector. One
 * object is one run. {@link #run} is called once; {@link #stop}, {@link #ios} and {@link #bytes}
 * may be called by any thread at any time.
 */
public final class VerifiedWorkload {
    private final BlockDevice device;
    private final GuestMemory memory;
    private final WorkloadOptions options;
    private final LongAdder ios = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private volatile boolean stopped;

    /**
     * A workload; nothing is touched before {@link #run}.
     *
     * @param device the disk; what it holds is overwritten unless the options say read-only
     * @param memory the guest's memory, for one buffer of {@code maxIoBytes} and a page per I/O in
     *     flight
     */
    public VerifiedWorkload(BlockDevice device, GuestMemory memory, WorkloadOptions options) {
        this.device = device;
        this.memory = memory;
        this.options = options;
    }

    /** Ends the run early, without the final sweep. */
    public void stop() {
        stopped = true;
    }

    /** I/Os completed so far. */
    public long ios() {
        return ios.sum();
    }

    /** Bytes read and written so far. */
    public long bytes() {
        return bytes.sum();
    }

    /**
     * Runs for a time and sweeps.
     *
     * @param nanos how long to issue new I/Os
     * @throws IllegalArgumentException when the disk is too small to be shared out
     * @throws IllegalStateException when guest memory has no room for the buffers
     */
    public WorkloadResult run(long nanos) throws InterruptedException {
        List<Worker> workers = new ArrayList<>();
        List<Long> buffers = new ArrayList<>();
        PageAllocator pages = memory.privatePages();
        long bufferBytes = Worker.bufferBytes(options);
        try {
            int count = options.threads() * options.depth();
            long share = device.sizeBytes() / count / device.sectorBytes();
            if (share * device.sectorBytes() < 4096) {
                throw new IllegalArgumentException(
                        "the disk is too small for %d I/Os in flight: bytes=%d"
                                .formatted(count, device.sizeBytes()));
            }
            int sectors = (int) Math.min(share, options.areaBytes() / device.sectorBytes());
            SplittableRandom random = new SplittableRandom(options.seed());
            for (int i = 0; i < count; i++) {
                long buffer = pages.allocate(bufferBytes, HvPage.SIZE);
                if (buffer == PageAllocator.NONE) {
                    throw new IllegalStateException(
                            "guest memory has no room for %d buffers of %d bytes"
                                    .formatted(count, bufferBytes));
                }
                buffers.add(buffer);
                long first = i * share + random.nextLong(share - sectors + 1);
                Area area =
                        new Area(
                                options.baseline(),
                                options.seed(),
                                first,
                                sectors,
                                device.sectorBytes());
                workers.add(
                        new Worker(
                                area,
                                memory,
                                buffer,
                                device.sectorBytes(),
                                options,
                                random.split()));
            }
            return run(workers, nanos);
        } finally {
            for (long buffer : buffers) {
                pages.free(buffer, bufferBytes);
            }
        }
    }

    private WorkloadResult run(List<Worker> workers, long nanos) throws InterruptedException {
        long start = System.nanoTime();
        List<Thread> threads = new ArrayList<>();
        List<Histogram> histograms = new ArrayList<>();
        List<Throwable> bugs = new ArrayList<>();
        for (int i = 0; i < options.threads(); i++) {
            List<Worker> mine = workers.subList(i * options.depth(), (i + 1) * options.depth());
            Histogram histogram = new Histogram(3);
            histograms.add(histogram);
            threads.add(
                    Thread.ofPlatform()
                            .name("workload-" + i)
                            .uncaughtExceptionHandler((thread, bug) -> {
                                stop();
                                synchronized (bugs) {
                                    bugs.add(bug);
                                }
                            })
                            .start(() -> drive(mine, start, nanos, histogram)));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        synchronized (bugs) {
            if (!bugs.isEmpty()) {
                throw new IllegalStateException("a workload thread failed", bugs.getFirst());
            }
        }
        return summary(workers, histograms, (System.nanoTime() - start) / 1e9);
    }

    /** One thread: keeps its workers' I/Os in flight until the time is up, then sweeps. */
    private void drive(List<Worker> workers, long start, long nanos, Histogram histogram) {
        BlockingQueue<Worker> ended = new ArrayBlockingQueue<>(workers.size());
        for (Worker worker : workers) {
            BlockRequest request = worker.request();
            request.onCompletion(done -> {
                worker.completed();
                ended.add(worker);
            });
        }
        int inFlight = 0;
        for (Worker worker : workers) {
            worker.next();
            device.submit(worker.request());
            inFlight++;
        }
        while (inFlight > 0) {
            Worker worker = takeUninterruptibly(ended);
            inFlight--;
            histogram.recordValue(Math.max(1, worker.latencyNs()));
            long before = worker.bytes();
            worker.check();
            ios.increment();
            bytes.add(worker.bytes() - before);
            boolean more = !stopped && worker.failedIos() == 0;
            if (more && System.nanoTime() - start < nanos) {
                worker.next();
            } else {
                more = more && worker.nextOfSweep();
            }
            if (more) {
                device.submit(worker.request());
                inFlight++;
            }
        }
    }

    /**
     * The device may own the buffers until their I/O has ended, so an interrupt only stops the run.
     */
    private Worker takeUninterruptibly(BlockingQueue<Worker> ended) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return ended.take();
                } catch (InterruptedException e) {
                    interrupted = true;
                    stop();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static WorkloadResult summary(
            List<Worker> workers, List<Histogram> histograms, double seconds) {
        Histogram all = new Histogram(3);
        histograms.forEach(all::add);
        long ios = 0;
        long bytes = 0;
        long wrong = 0;
        long failed = 0;
        long first = 0;
        @Nullable String failure = null;
        for (Worker worker : workers) {
            ios += worker.ios();
            bytes += worker.bytes();
            wrong += worker.wrongBytes();
            failed += worker.failedIos();
            long verified = worker.firstVerifiedNanoTime();
            if (verified != 0 && (first == 0 || verified - first < 0)) {
                first = verified;
            }
            failure = failure == null ? worker.firstFailure() : failure;
        }
        return new WorkloadResult(seconds, ios, bytes, all, wrong, failed, failure, first);
    }
}
