package dev.airlock.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.MemoryDisk;
import dev.airlock.dma.DmaAttributes;
import java.io.IOException;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Guest and host, everything between, on one thread. */
class OneThreadPathTest {
    private static final int ROUNDS = 200;
    private static final int EXCHANGES = 1_000;

    @ParameterizedTest(name = "isolated={0} subchannels={1}")
    @CsvSource({"false, 0", "true, 0", "true, 3"})
    void shouldAllocateNothingForAnIoOnEitherSide(boolean isolated, int subchannels)
            throws IOException {
        try (MemoryDisk disk = new MemoryDisk(64 << 20, 512, false);
                OneThreadPath path =
                        new OneThreadPath(isolated, Collections.nCopies(3, disk), subchannels)) {
            long least = Long.MAX_VALUE;
            // Until the JIT compiler has done its work, wrappers that it removes are allocated.
            for (int round = 0; round < ROUNDS && least != 0; round++) {
                long before = Allocation.ofThisThread();
                run(path, EXCHANGES);
                least = Math.min(least, Allocation.ofThisThread() - before);
            }
            assertThat(least).isZero();
        }
    }

    @Test
    void shouldGoOnWithAFullPool() throws IOException {
        try (MemoryDisk disk = new MemoryDisk(64 << 20, 512, false);
                OneThreadPath path = new OneThreadPath(true, Collections.nCopies(1, disk), 0)) {
            path.fillPool(0.95);
            run(path, 100);
        }
    }

    private static void run(OneThreadPath path, int exchanges) throws IOException {
        for (int i = 0; i < exchanges; i++) {
            path.exchange(16, (i & 1) == 0 ? DmaAttributes.NONE : DmaAttributes.OVERWRITE);
        }
    }
}
