package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On a loop device with 4096-byte sectors, where this user may make one. */
@Timeout(60)
class BlockDeviceIoTest {
    private static final int BYTES = 1 << 20;

    @TempDir Path directory;

    private String device = "";

    @BeforeEach
    void attach() throws Exception {
        Path file = directory.resolve("disk");
        try (Fd fd = FileIo.open(file, FileIo.O_RDWR | FileIo.O_CREAT, 0600)) {
            FileIo.truncate(fd, BYTES);
        }
        device = losetup("--find", "--show", "--sector-size", "4096", file.toString());
        Assumptions.assumeTrue(device.startsWith("/dev/"), "no loop device: " + device);
    }

    @AfterEach
    void detach() throws Exception {
        if (device.startsWith("/dev/")) {
            losetup("--detach", device);
        }
    }

    @Test
    void shouldTellSizesOfTheDeviceAndItsSectors() throws IOException {
        try (Fd fd = FileIo.open(Path.of(device), FileIo.O_RDWR)) {
            assertThat(FileIo.stat(fd).type()).isEqualTo(FileStat.Type.BLOCK_DEVICE);
            assertThat(FileIo.size(fd)).isEqualTo(BYTES);
            assertThat(BlockDeviceIo.sizeBytes(fd)).isEqualTo(BYTES);
            assertThat(BlockDeviceIo.sectorBytes(fd)).isEqualTo(4096);
            assertThat(BlockDeviceIo.physicalSectorBytes(fd)).isEqualTo(4096);
            assertThat(FileIo.memoryAlignment(fd)).isEqualTo(4096);
        }
    }

    @Test
    void shouldZeroExactlyTheRangeGiven() throws IOException {
        try (Fd fd = FileIo.open(Path.of(device), FileIo.O_RDWR);
                Arena arena = Arena.ofConfined()) {
            MemorySegment ones = arena.allocate(BYTES).fill((byte) 1);
            assertThat(FileIo.pwrite(fd, ones, 0)).isEqualTo(BYTES);
            FileIo.fdatasync(fd);

            BlockDeviceIo.writeZeroes(fd, 8192, 4096);
            BlockDeviceIo.discard(fd, 65536, 65536);

            MemorySegment back = arena.allocate(BYTES);
            assertThat(FileIo.pread(fd, back, 0)).isEqualTo(BYTES);
            for (int at = 0; at < BYTES; at += 4096) {
                boolean zeroed = at == 8192;
                boolean discarded = at >= 65536 && at < 131072;
                if (!discarded) {
                    assertThat(back.get(JAVA_BYTE, at))
                            .as("at=%d", at)
                            .isEqualTo((byte) (zeroed ? 0 : 1));
                }
            }
        }
    }

    @Test
    void shouldNameTheRequestAndItsRangeWhenRefused() throws IOException {
        try (Fd fd = FileIo.open(Path.of(device), FileIo.O_RDWR)) {
            assertThatThrownBy(() -> BlockDeviceIo.writeZeroes(fd, 1, 4096))
                    .isInstanceOf(LinuxException.class)
                    .hasMessageContaining("request=BLKZEROOUT offset=1 bytes=4096")
                    .hasMessageEndingWith("errno=22 EINVAL");
        }
    }

    private static String losetup(String... arguments) throws Exception {
        String[] command = new String[arguments.length + 1];
        command[0] = "losetup";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String said =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            return said.strip();
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }
}
