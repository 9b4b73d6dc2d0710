package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A block device: a loop device over a file. */
class BlockDeviceDiskTest extends AllocationFreeDiskContract {
    @TempDir Path directory;

    @BeforeAll
    static void requireLoopDevices() throws Exception {
        assumeTrue(
                Files.isWritable(Path.of("/dev/loop-control")),
                "no loop devices: not root, or none here");
        assumeTrue(run("losetup", "--find").exitCode == 0, "losetup finds no free loop device");
    }

    @Override
    boolean resizes() {
        return false;
    }

    @Override
    Disk create(long bytes) throws Exception {
        return open(bytes, "");
    }

    @Override
    Disk createReadOnly(long bytes) throws Exception {
        return open(bytes, ",ro");
    }

    @Test
    void shouldLetOnlyOneWriterIn() throws Exception {
        Path device = device(size());
        DiskSpec writer = DiskSpec.parse(device + ",sector=" + sectorBytes);
        closeLater(writer.open());
        assertThatThrownBy(writer::open)
                .isInstanceOf(DiskSpecException.class)
                .hasMessageContaining(
                        "path="
                                + device
                                + " cannot be opened: errno=16 EBUSY; the device is mounted or in use");
        assertThatThrownBy(() -> DiskSpec.parse(device + ",ro,sector=" + sectorBytes).open())
                .isInstanceOf(DiskSpecException.class)
                .hasMessageContaining("path=" + device + " is locked");
    }

    private Disk open(long bytes, String options) throws Exception {
        return closeLater(
                DiskSpec.parse(device(bytes) + options + ",sector=" + sectorBytes).open());
    }

    private Path device(long bytes) throws Exception {
        Path file = Files.createTempFile(directory, "loop", ".img");
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), bytes - 1);
        }
        Result made =
                run(
                        "losetup",
                        "--find",
                        "--show",
                        "--sector-size",
                        "" + sectorBytes,
                        file.toString());
        assumeTrue(made.exitCode == 0, () -> "no loop device: " + made.output);
        String device = made.output.strip();
        closeLater(() -> run("losetup", "--detach", device));
        return Path.of(device);
    }

    private record Result(int exitCode, String output) {}

    private static Result run(String... command) throws IOException, InterruptedException {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException notInstalled) {
            return new Result(127, notInstalled.toString());
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }
}
