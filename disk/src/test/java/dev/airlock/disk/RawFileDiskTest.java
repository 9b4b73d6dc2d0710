package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file of the file system that holds the directory for temporary files. */
class RawFileDiskTest extends AllocationFreeDiskContract {
    @TempDir Path directory;

    Path directory() {
        return directory;
    }

    /** Further options of the DISK. */
    String options() {
        return "";
    }

    @Test
    void shouldTakeOverTheSizeThatOthersGaveTheFile() throws Exception {
        Path file = emptyFile(16L * sectorBytes);
        try (Disk disk = open(file, "");
                var others = FileChannel.open(file, StandardOpenOption.WRITE)) {
            assertThat(disk.rescan()).isFalse();
            others.truncate(4L * sectorBytes + 1);
            assertThat(disk.sizeBytes()).isEqualTo(16L * sectorBytes);
            assertThat(disk.rescan()).isTrue();
            assertThat(disk.sizeBytes()).isEqualTo(4L * sectorBytes);
            others.write(ByteBuffer.allocate(1), 32L * sectorBytes - 1);
            assertThat(disk.rescan()).isTrue();
            assertThat(disk.sizeBytes()).isEqualTo(32L * sectorBytes);
            others.truncate(0);
            assertThatThrownBy(disk::rescan).isInstanceOf(DiskException.class);
            assertThat(disk.sizeBytes()).isEqualTo(32L * sectorBytes);
        }
    }

    @Override
    Disk create(long bytes) throws Exception {
        return open(emptyFile(bytes), "");
    }

    @Override
    Disk createReadOnly(long bytes) throws Exception {
        return open(emptyFile(bytes), ",ro");
    }

    final Disk open(Path file, String more) throws Exception {
        return DiskSpec.parse(file + options() + more + ",sector=" + sectorBytes).open();
    }

    final Path emptyFile(long bytes) throws Exception {
        Path file = Files.createTempFile(directory(), "disk", ".img");
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), bytes - 1);
        }
        return file;
    }
}
