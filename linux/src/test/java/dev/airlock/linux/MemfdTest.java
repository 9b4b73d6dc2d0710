package dev.airlock.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemfdTest {
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int MFD_HUGETLB = 4;
    private static final int F_SEAL_SEAL = 1;
    private static final int F_SEAL_SHRINK = 2;
    private static final int F_SEAL_FUTURE_WRITE = 16;

    @TempDir Path directory;

    @Test
    void shouldCreateMemoryWhoseSizeAndSealsNobodyCanChange() throws LinuxException {
        try (Fd memfd = Memfd.create("sealed", 8192)) {
            assertThat(FileIo.size(memfd)).isEqualTo(8192);
            Memfd.requireSealed(memfd, 8192);
            for (long bytes : new long[] {0, 4096, 16384}) {
                assertThatThrownBy(() -> FileIo.truncate(memfd, bytes))
                        .isInstanceOfSatisfying(
                                LinuxException.class,
                                e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
            }
            assertThat(FileCalls.fcntl(memfd.raw(), FileCalls.F_ADD_SEALS, F_SEAL_FUTURE_WRITE))
                    .isEqualTo(-Errno.EPERM);
        }
    }

    @Test
    void shouldRefuseSizesThatAreNotWholePages() {
        for (long bytes : new long[] {0, -4096, 4095}) {
            assertThatThrownBy(() -> Memfd.create("odd", bytes))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("bytes=" + bytes);
        }
    }

    @Test
    void shouldRefuseAMemfdThatIsTooSmall() throws LinuxException {
        try (Fd memfd = Memfd.create("small", 4096)) {
            assertRefused(memfd, 4097, "too small: bytes=4096 needed=4097");
        }
    }

    @Test
    void shouldRefuseAMemfdThatCanStillShrinkOrGetMoreSeals() throws LinuxException {
        try (Fd memfd = unsealed(MFD_ALLOW_SEALING)) {
            assertRefused(memfd, 4096, "not sealed against shrinking");
            seal(memfd, F_SEAL_SHRINK);
            assertRefused(memfd, 4096, "further seals");
            seal(memfd, F_SEAL_SEAL);
            Memfd.requireSealed(memfd, 4096);
        }
    }

    @Test
    void shouldRefuseAMemfdSealedAgainstWriting() throws LinuxException {
        try (Fd memfd = unsealed(MFD_ALLOW_SEALING)) {
            seal(memfd, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
            assertRefused(memfd, 4096, "sealed against writing");
        }
    }

    @Test
    void shouldRefuseFilesOfAnOrdinaryTmpfs() throws LinuxException {
        Path shm = Path.of("/dev/shm");
        Assumptions.assumeTrue(Files.isWritable(shm), "/dev/shm is not writable");
        try (Fd file = FileIo.open(shm, FileIo.O_TMPFILE | FileIo.O_RDWR, 0600)) {
            FileIo.truncate(file, 4096);
            assertRefused(file, 4096, "not");
        }
    }

    @Test
    void shouldRefuseHugePagesAndOtherFiles() throws IOException {
        try (Fd huge = unsealed(MFD_HUGETLB | MFD_ALLOW_SEALING)) {
            assertRefused(huge, 0, "huge pages");
        }
        try (Fd device = FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR)) {
            assertRefused(device, 0, "not");
        }
        try (Fd directoryFd = FileIo.open(directory, FileIo.O_DIRECTORY)) {
            assertRefused(directoryFd, 0, "not");
        }
        try (var pair = UnixSocket.pair()) {
            assertRefused(pair.left().fd(), 0, "not a memfd: fsType=0x534f434b");
        }
    }

    private static Fd unsealed(int flags) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            Fd fd = Fd.adopt(MemoryCalls.memfdCreate(arena.allocateFrom("test"), flags), "test");
            if ((flags & MFD_HUGETLB) == 0) {
                FileIo.truncate(fd, 4096);
            }
            return fd;
        }
    }

    private static void seal(Fd fd, int seals) {
        assertThat(FileCalls.fcntl(fd.raw(), FileCalls.F_ADD_SEALS, seals)).isZero();
    }

    private static void assertRefused(Fd fd, long bytes, String why) {
        assertThatThrownBy(() -> Memfd.requireSealed(fd, bytes))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL))
                .hasMessageContaining(why);
    }
}
