package dev.airlock.disk;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What every disk does that keeps data, and does it without memory from the Java heap. */
abstract class AllocationFreeDiskContract extends StoringDiskContract {
    @Test
    void shouldAllocateNothingToReadAndWrite() throws Exception {
        SplittableRandom random = Seed.random();
        Disk disk = disk();
        Scatter memory = Scatter.random(random, 16 * sectorBytes, 512);
        Scatter odd = Scatter.random(random, 16 * sectorBytes, 4);
        Allocations.requireNone(i -> {
            long offset = (long) (i % 7) * 16 * sectorBytes;
            disk.write(offset, memory.vector(), (i & 63) == 0);
            disk.read(offset, odd.vector());
            disk.tryRead(offset, memory.vector());
        });
    }
}
