package dev.airlock.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.Disk;
import dev.airlock.disk.DiskSpec;
import dev.airlock.disk.MemoryDisk;
import dev.airlock.dma.DmaAttributes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Guest and host, everything between, on one thread. */
class OneThreadPathTest {
    private static final int ROUNDS = 200;
    private static final int EXCHANGES = 1_000;
    private static final int FILE_BYTES = 64 << 20;

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
    void shouldMakeOneSystemCallForEachReadOfAFileInMemory() throws Exception {
        Path file = Files.createTempFile(Path.of("/dev/shm"), "airlock-calls", ".raw");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), FILE_BYTES - 1);
        }
        try (Disk disk = DiskSpec.parse(file.toString().replace(",", ",,")).open();
                OneThreadPath path = new OneThreadPath(true, List.of(disk), 0)) {
            long signals = path.signals();
            assertThat(readCalls(path)).isEqualTo(EXCHANGES * 16L);
            assertThat(path.signals()).isEqualTo(signals);
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void shouldMakeNoSystemCallForADiskInOurMemory() throws IOException {
        try (MemoryDisk disk = new MemoryDisk(FILE_BYTES, 512, false);
                OneThreadPath path = new OneThreadPath(true, List.of(disk), 0)) {
            long signals = path.signals();
            assertThat(readCalls(path)).isZero();
            assertThat(path.signals()).isEqualTo(signals);
        }
    }

    /** Calls of the read family that this thread makes for some exchanges, beyond its own looks. */
    private static long readCalls(OneThreadPath path) throws IOException {
        run(path, 1);
        long least = Long.MAX_VALUE;
        // A class that is loaded meanwhile is read by this thread, too.
        for (int round = 0; round < 5; round++) {
            long looks = -readCalls();
            looks += readCalls();
            long before = readCalls();
            run(path, EXCHANGES);
            least = Math.min(least, readCalls() - before - looks);
        }
        return least;
    }

    /** {@code syscr} of this thread: read, pread, readv, preadv and their like (proc(5)). */
    private static long readCalls() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/thread-self/io"))) {
            if (line.startsWith("syscr: ")) {
                return Long.parseLong(line.substring("syscr: ".length()));
            }
        }
        throw new AssertionError("no syscr in /proc/thread-self/io");
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
