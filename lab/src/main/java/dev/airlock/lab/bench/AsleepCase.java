package dev.airlock.lab.bench;

import dev.airlock.memory.HvPage;
import dev.airlock.memory.PageAllocator;
import dev.airlock.storvsc.block.BlockDevice;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.block.BlockStatus;
import dev.airlock.storvsc.guest.StorageGuest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * One read at a time with pauses so long that both sides are asleep before each: from submission to
 * completion, beside the eventfd round trip of this machine: two threads that wake each other, over
 * and over, and with the same pauses. With pauses the scheduler may wake both on one core, which is
 * faster than anything that crosses cores; hence the aim is held against the first.
 */
final class AsleepCase implements BenchCase {
    /** Longer than either side spins, by far. */
    private static final long PAUSE_NANOS = 1_000_000;

    private static final long GIVE_UP_NANOS = 10_000_000_000L;

    private final StorageGuest guest;
    private final int lun;
    private final Label label;
    private volatile long endedNanoTime;

    AsleepCase(StorageGuest guest, boolean isolated, String disk, int lun) {
        this.guest = guest;
        this.lun = lun;
        label =
                new Label(
                        disk + " 4 KiB read QD1, both asleep", BenchCase.isolation(isolated), "µs");
    }

    @Override
    public Label label() {
        return label;
    }

    @Override
    public Aim aim() {
        return Aim.atMost(1.3, "eventfdUs");
    }

    @Override
    public Figures measure(long nanos) throws IOException, InterruptedException {
        PageAllocator pages = guest.memory().privatePages();
        long buffer = pages.allocate(HvPage.SIZE, HvPage.SIZE);
        if (buffer == PageAllocator.NONE) {
            throw new IOException("no memory for a buffer");
        }
        List<Double> micros = new ArrayList<>();
        BlockDevice device = guest.disks().get(lun);
        BlockRequest request = new BlockRequest().onCompletion(this::completed);
        long start = System.nanoTime();
        do {
            TimeUnit.NANOSECONDS.sleep(PAUSE_NANOS);
            micros.add(roundTripMicros(device, request.read(0, buffer, HvPage.SIZE)));
        } while (System.nanoTime() - start < nanos);
        pages.free(buffer, HvPage.SIZE);
        double eventFd = Yardsticks.eventFdRoundTripNanos(nanos) / 1e3;
        double asleep = Yardsticks.eventFdAsleepNanos(PAUSE_NANOS, nanos) / 1e3;
        double median = Sample.of(micros.stream().mapToDouble(m -> m).toArray()).median();
        return Figures.beside(median, Map.of("eventfdUs", eventFd, "eventfdWithPausesUs", asleep));
    }

    private double roundTripMicros(BlockDevice device, BlockRequest request) throws IOException {
        endedNanoTime = 0;
        long start = System.nanoTime();
        device.submit(request);
        // Looking on would keep this core from sleeping, and the completion is timed elsewhere.
        while (request.status() == BlockStatus.PENDING || endedNanoTime == 0) {
            if (System.nanoTime() - start > GIVE_UP_NANOS) {
                throw new IOException("a read did not end");
            }
            LockSupport.parkNanos(PAUSE_NANOS / 2);
        }
        if (request.status() != BlockStatus.OK) {
            throw new IOException("a read failed: " + request.describe());
        }
        return (endedNanoTime - start) / 1e3;
    }

    private void completed(BlockRequest request) {
        endedNanoTime = System.nanoTime();
    }
}
