package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A file in memory. */
class RawTmpfsDiskTest extends RawFileDiskTest {
    private static final Path SHM = Path.of("/dev/shm");

    private Path inMemory = SHM;

    @BeforeEach
    void makeDirectory() throws IOException {
        assumeTrue(
                Files.isDirectory(SHM) && Files.getFileStore(SHM).type().equals("tmpfs"),
                "/dev/shm is no tmpfs");
        inMemory = Files.createTempDirectory(SHM, "airlock-disk-test");
    }

    @AfterEach
    void removeDirectory() throws IOException {
        if (inMemory.equals(SHM)) {
            return;
        }
        try (var files = Files.walk(inMemory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    @Override
    Path directory() {
        return inMemory;
    }

    @Test
    void shouldNeverWait() throws Exception {
        Disk disk = disk();
        assertThat(disk.mayBlock()).isFalse();
        assertThat(disk.tryRead(0, Scatter.contiguous(size()).vector())).isTrue();
    }
}
