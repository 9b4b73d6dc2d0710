package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaMapper;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;

/**
 * One of several threads that map and unmap in the same pool, each keeping a few mappings, as a
 * driver with a queue does. Nothing is copied: it is the search for slots that is looked at. The
 * mix of sizes is fixed, the order drawn from a seed.
 */
final class PressureThread extends Thread {
    /** Of sixteen mappings, so many KiB each: mostly small, a few large, as file systems ask. */
    private static final int[] MIX_KIB = {4, 4, 4, 4, 4, 4, 4, 4, 8, 8, 16, 16, 16, 64, 64, 252};

    private static final int SMALL_BYTES = 4 << 10;
    private static final int DRAWN = 1024;
    private static final int KEPT = 4;
    private static final int UNCLOCKED = 16;

    private final DmaMapper mapper;
    private final CountDownLatch start;
    private final long nanos;
    private final int[] sizes = new int[DRAWN];
    private final long[] keptDma = new long[KEPT];
    private final int[] keptBytes = new int[KEPT];

    // Written by this thread, read when it has ended.
    private long attempts;
    private long successes;
    private long smallAttempts;
    private long smallSuccesses;

    PressureThread(DmaMapper mapper, CountDownLatch start, long nanos, long seed) {
        super("pressure");
        this.mapper = mapper;
        this.start = start;
        this.nanos = nanos;
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < DRAWN; i++) {
            sizes[i] = MIX_KIB[random.nextInt(MIX_KIB.length)] << 10;
        }
        setDaemon(true);
    }

    @Override
    public void run() {
        try {
            start.await();
        } catch (InterruptedException e) {
            return;
        }
        long begin = System.nanoTime();
        int at = 0;
        do {
            for (int i = 0; i < UNCLOCKED; i++) {
                attempt(sizes[at++ % DRAWN]);
            }
        } while (System.nanoTime() - begin < nanos);
        for (int i = 0; i < KEPT; i++) {
            release(i);
        }
    }

    private void attempt(int bytes) {
        int place = (int) (attempts % KEPT);
        release(place);
        attempts++;
        smallAttempts += bytes == SMALL_BYTES ? 1 : 0;
        long dma = mapper.mapSingle(0, bytes, DmaDirection.FROM_DEVICE, DmaAttributes.OVERWRITE);
        if (dma != DmaMapper.MAPPING_ERROR) {
            successes++;
            smallSuccesses += bytes == SMALL_BYTES ? 1 : 0;
            keptDma[place] = dma;
            keptBytes[place] = bytes;
        }
    }

    private void release(int place) {
        if (keptBytes[place] != 0) {
            mapper.unmapSingle(
                    keptDma[place],
                    keptBytes[place],
                    DmaDirection.FROM_DEVICE,
                    DmaAttributes.SKIP_CPU_SYNC);
            keptBytes[place] = 0;
        }
    }

    long attempts() {
        return attempts;
    }

    long successes() {
        return successes;
    }

    long smallAttempts() {
        return smallAttempts;
    }

    long smallSuccesses() {
        return smallSuccesses;
    }
}
