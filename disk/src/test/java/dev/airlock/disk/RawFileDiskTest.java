package dev.airlock.disk;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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
