package dev.airlock.disk;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
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

    private Disk open(long bytes, String options) throws Exception {
        Path file = Files.createTempFile(directory, "loop", ".img");
        try (var channel =
                java.nio.channels.FileChannel.open(file, java.nio.file.StandardOpenOption.WRITE)) {
            channel.write(java.nio.ByteBuffer.allocate(1), bytes - 1);
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
        return closeLater(DiskSpec.parse(device + options + ",sector=" + sectorBytes).open());
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
