package dev.airlock.lab.workload;

import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.storvsc.block.BlockRequest;
import dev.airlock.storvsc.block.BlockStatus;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One I/O at a time on one area of the disk: chooses, fills, checks. Which I/Os are in flight at
 * once is its thread's affair ({@link VerifiedWorkload}). Used by one thread, except {@link
 * #completedNanoTime}, which the completion sets before it hands the worker back.
 */
final class Worker {
    /** What the I/O in flight is. */
    private enum Step {
        IDLE,
        READ,
        WRITE,
        ZERO,
        FLUSH
    }

    private final Area area;
    private final GuestMemory memory;
    private final WorkloadOptions options;
    private final int sectorBytes;
    private final long bufferGpa;
    private final SplittableRandom random;
    private final Scatterlist list = new Scatterlist(1);
    private final BlockRequest request = new BlockRequest();

    private Step step = Step.IDLE;
    private int index;
    private int count;
    private int inPage;
    private int swept;

    private long submittedNanoTime;
    private long completedNanoTime;

    private long ios;
    private long bytes;
    private long wrongBytes;
    private long failedIos;
    private long firstVerifiedNanoTime;
    private @Nullable String firstFailure;

    Worker(
            Area area,
            GuestMemory memory,
            long bufferGpa,
            int sectorBytes,
            WorkloadOptions options,
            SplittableRandom random) {
        this.area = area;
        this.memory = memory;
        this.bufferGpa = bufferGpa;
        this.sectorBytes = sectorBytes;
        this.options = options;
        this.random = random;
    }

    /** Guest memory that a worker needs: the largest I/O at any offset in its first page. */
    static long bufferBytes(WorkloadOptions options) {
        return options.maxIoBytes() + (long) HvPage.SIZE;
    }

    BlockRequest request() {
        return request;
    }

    /** Called by whoever completes the request. */
    void completed() {
        completedNanoTime = System.nanoTime();
    }

    long latencyNs() {
        return completedNanoTime - submittedNanoTime;
    }

    /** Sets up the next random I/O. */
    void next() {
        index = random.nextInt(area.sectors());
        count = Math.min(randomCount(), area.sectors() - index);
        inPage = randomInPageOffset();
        int dice = options.readOnly() ? 0 : random.nextInt(64);
        if (dice < 34) {
            read();
        } else if (dice < 61) {
            area.prepareWrite(index, count, memory.bytes(), bufferGpa + inPage);
            buildList();
            request.write(area.diskOffset(index), list, random.nextInt(8) == 0);
            step = Step.WRITE;
        } else if (dice < 62) {
            area.zeroed(index, count);
            request.writeZeroes(
                    area.diskOffset(index), (long) count * sectorBytes, random.nextBoolean());
            step = Step.ZERO;
        } else {
            request.flush();
            step = Step.FLUSH;
        }
        submittedNanoTime = System.nanoTime();
    }

    /**
     * Sets up the next read of the final sweep over what was written; false when there is no more.
     */
    boolean nextOfSweep() {
        while (swept < area.sectors() && !area.isWritten(swept)) {
            swept++;
        }
        if (swept == area.sectors()) {
            return false;
        }
        index = swept;
        int most = Math.min(options.maxIoBytes() / sectorBytes, area.sectors() - index);
        count = 1;
        while (count < most && area.isWritten(index + count)) {
            count++;
        }
        swept = index + count;
        inPage = randomInPageOffset();
        read();
        submittedNanoTime = System.nanoTime();
        return true;
    }

    /** Checks the I/O that has ended. */
    void check() {
        if (request.status() != BlockStatus.OK) {
            failedIos++;
            fail(request.describe());
            return;
        }
        ios++;
        if (step == Step.READ) {
            bytes += (long) count * sectorBytes;
            long wrong = area.wrongBytes(index, count, memory.bytes(), bufferGpa + inPage);
            wrongBytes += wrong;
            if (wrong > 0) {
                fail(
                        "wrong data: offset=%d bytes=%d wrong=%d inPageOffset=%d"
                                .formatted(
                                        area.diskOffset(index),
                                        (long) count * sectorBytes,
                                        wrong,
                                        inPage));
            } else if (firstVerifiedNanoTime == 0) {
                firstVerifiedNanoTime = System.nanoTime();
            }
        } else if (step == Step.WRITE) {
            bytes += (long) count * sectorBytes;
        }
    }

    long ios() {
        return ios;
    }

    long bytes() {
        return bytes;
    }

    long wrongBytes() {
        return wrongBytes;
    }

    long failedIos() {
        return failedIos;
    }

    long firstVerifiedNanoTime() {
        return firstVerifiedNanoTime;
    }

    @Nullable String firstFailure() {
        return firstFailure;
    }

    private void read() {
        // Poison, so that data left from an earlier I/O is never taken for what was read.
        memory.bytes().asSlice(bufferGpa + inPage, (long) count * sectorBytes).fill((byte) 0xA5);
        buildList();
        request.read(area.diskOffset(index), list);
        step = Step.READ;
    }

    private void buildList() {
        list.clear();
        list.add(bufferGpa + inPage, count * sectorBytes);
    }

    /**
     * Sizes spread evenly over the powers of two from one sector to the largest, with odd ones
     * between.
     */
    private int randomCount() {
        int largest = options.maxIoBytes() / sectorBytes;
        int magnitude = random.nextInt(32 - Integer.numberOfLeadingZeros(largest));
        int base = 1 << magnitude;
        return random.nextInt(4) == 0 ? Math.min(largest, base + random.nextInt(base)) : base;
    }

    /** Mostly what Linux's block layer gives (multiples of 512), sometimes any byte. */
    private int randomInPageOffset() {
        return random.nextInt(4) == 0
                ? random.nextInt(HvPage.SIZE)
                : random.nextInt(HvPage.SIZE / 512) * 512;
    }

    private void fail(String what) {
        if (firstFailure == null) {
            firstFailure = what;
        }
    }
}
