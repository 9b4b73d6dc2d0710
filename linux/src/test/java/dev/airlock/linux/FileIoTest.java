package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.testkit.Allocation;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileIoTest {
    @TempDir Path directory;

    private final Arena arena = Arena.ofAuto();

    private Fd create(String name) throws LinuxException {
        return FileIo.open(directory.resolve(name), FileIo.O_RDWR | FileIo.O_CREAT, 0640);
    }

    @Test
    void shouldGatherAndScatterAcrossPiecesOfMemory() throws LinuxException {
        try (Fd fd = create("data")) {
            MemorySegment first = text("scatter");
            MemorySegment second = text("gather!");
            assertThat(FileIo.pwritev2(fd, iovecs(first, second), 2, 100, 0)).isEqualTo(14);

            MemorySegment into = arena.allocate(14);
            MemorySegment pieces = iovecs(into.asSlice(7, 7), into.asSlice(0, 7));
            assertThat(FileIo.preadv2(fd, pieces, 2, 100, 0)).isEqualTo(14);
            assertThat(string(into)).isEqualTo("gather!scatter");
            assertThat(FileIo.size(fd)).isEqualTo(114);
        }
    }

    @Test
    void shouldReadShortAtTheEndAndNothingBeyond() throws LinuxException {
        try (Fd fd = create("data")) {
            assertThat(FileIo.pwrite(fd, text("0123456789"), 0)).isEqualTo(10);
            MemorySegment into = arena.allocate(8);
            assertThat(FileIo.pread(fd, into, 6)).isEqualTo(4);
            assertThat(FileIo.pread(fd, into, 10)).isZero();
            assertThat(FileIo.preadv2(fd, iovecs(into), 1, 6, FileIo.RWF_NOWAIT))
                    .isIn(4L, (long) -Errno.EAGAIN, (long) -Errno.EOPNOTSUPP);
        }
    }

    @Test
    void shouldReturnNegativeErrnoFromDataCalls() throws IOException {
        Path path = directory.resolve("read-only");
        Files.write(path, new byte[100]);
        try (Fd fd = FileIo.open(path, FileIo.O_RDONLY)) {
            MemorySegment data = arena.allocate(8);
            assertThat(FileIo.pwrite(fd, data, 0)).isEqualTo(-Errno.EBADF);
            assertThat(FileIo.pwritev2(fd, iovecs(data), 1, 0, FileIo.RWF_DSYNC))
                    .isEqualTo(-Errno.EBADF);
            MemorySegment nowhere = MemorySegment.ofAddress(4096).reinterpret(8);
            assertThat(FileIo.preadv2(fd, iovecs(nowhere), 1, 0, 0)).isEqualTo(-Errno.EFAULT);
        }
    }

    @Test
    void shouldRefuseTransfersThatCannotBeMeant() throws LinuxException {
        try (Fd fd = create("data")) {
            MemorySegment one = iovecs(arena.allocate(8));
            assertThatThrownBy(() -> FileIo.preadv2(fd, one, 2, 0, 0))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> FileIo.preadv2(fd, one, -1, 0, 0))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> FileIo.pwritev2(fd, one, 1, -1, 0))
                    .isInstanceOf(IllegalArgumentException.class);
            fd.close();
            assertThatThrownBy(() -> FileIo.preadv2(fd, one, 1, 0, 0))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void shouldFindDataAndHoles() throws LinuxException {
        int mib = 1 << 20;
        try (Fd fd = create("sparse")) {
            FileIo.truncate(fd, 4L * mib);
            MemorySegment data = arena.allocate(mib).fill((byte) 1);
            FileIo.pwrite(fd, data, mib);
            FileIo.fdatasync(fd);
            assertThat(FileIo.seekData(fd, 0)).isEqualTo(mib);
            assertThat(FileIo.seekHole(fd, mib)).isEqualTo(2L * mib);
            assertThat(FileIo.seekData(fd, 2L * mib)).isEqualTo(-1);
            assertThat(FileIo.seekHole(fd, 4L * mib)).isEqualTo(-1);

            int punch = FileIo.FALLOC_FL_PUNCH_HOLE | FileIo.FALLOC_FL_KEEP_SIZE;
            FileIo.fallocate(fd, punch, mib, mib);
            assertThat(FileIo.seekData(fd, 0)).isEqualTo(-1);
            assertThat(FileIo.size(fd)).isEqualTo(4L * mib);
            assertThat(FileIo.stat(fd).allocatedBytes()).isLessThan(mib);
        }
    }

    @Test
    void shouldDescribeWhatAFileIs() throws IOException {
        try (Fd fd = create("file");
                Fd again = FileIo.open(directory.resolve("file"), FileIo.O_RDONLY);
                Fd folder = FileIo.open(directory, FileIo.O_DIRECTORY);
                Fd device = FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR)) {
            FileIo.truncate(fd, 12345);
            FileStat stat = FileIo.stat(fd);
            assertThat(stat.type()).isEqualTo(FileStat.Type.REGULAR);
            assertThat(stat.sizeBytes()).isEqualTo(12345);
            assertThat(stat.mode()).isEqualTo(0640);
            assertThat(stat.inode())
                    .isEqualTo(Files.getAttribute(directory.resolve("file"), "unix:ino"));
            assertThat(stat.uid())
                    .isEqualTo(Files.getAttribute(directory.resolve("file"), "unix:uid"));
            assertThat(stat.isSameFile(FileIo.stat(again))).isTrue();
            assertThat(stat.isSameFile(FileIo.stat(folder))).isFalse();
            assertThat(FileIo.stat(folder).type()).isEqualTo(FileStat.Type.DIRECTORY);
            assertThat(FileIo.stat(device).type()).isEqualTo(FileStat.Type.OTHER);
            int alignment = FileIo.memoryAlignment(fd);
            assertThat(Integer.bitCount(alignment)).isEqualTo(1);
            assertThat(alignment).isBetween(512, 65536);
        }
        try (Fd memfd = Memfd.create("memory", 4096)) {
            assertThat(FileIo.fsType(memfd)).isEqualTo(0x01021994);
        }
    }

    @Test
    void shouldLockAgainstOtherOpensOfTheSameProcess() throws LinuxException {
        try (Fd first = create("locked");
                Fd second = create("locked")) {
            assertThat(FileIo.tryLockExclusive(first)).isTrue();
            assertThat(FileIo.tryLockExclusive(second)).isFalse();
            assertThat(FileIo.tryLockShared(second)).isFalse();

            FileIo.unlock(first);
            assertThat(FileIo.tryLockShared(first)).isTrue();
            assertThat(FileIo.tryLockShared(second)).isTrue();
            assertThat(FileIo.tryLockExclusive(second)).isFalse();

            first.close();
            assertThat(FileIo.tryLockExclusive(second)).isTrue();
        }
    }

    @Test
    void shouldHoldALockUntilTheLastDuplicateIsClosed() throws LinuxException {
        try (Fd first = create("locked");
                Fd copy = first.duplicate();
                Fd other = create("locked")) {
            assertThat(FileIo.tryLockExclusive(first)).isTrue();
            first.close();
            assertThat(FileIo.tryLockExclusive(other)).isFalse();
            copy.close();
            assertThat(FileIo.tryLockExclusive(other)).isTrue();
        }
    }

    @Test
    void shouldNameCallPathAndErrorWhenItFails() throws IOException {
        Path absent = directory.resolve("absent");
        assertThatThrownBy(() -> FileIo.open(absent, FileIo.O_RDONLY))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.call()).isEqualTo("open"))
                .hasMessage("open path=" + absent + " errno=2 ENOENT");
        try (Fd device = FileIo.open(Path.of("/dev/null"), FileIo.O_RDWR)) {
            assertThatThrownBy(() -> FileIo.truncate(device, 1))
                    .hasMessageContaining("ftruncate")
                    .hasMessageContaining("EINVAL");
            assertThatThrownBy(() -> FileIo.fallocate(device, 0, 0, 1))
                    .hasMessageContaining("ENODEV");
            assertThatThrownBy(() -> BlockDeviceIo.sizeBytes(device))
                    .hasMessageContaining("BLKGETSIZE64")
                    .hasMessageContaining("ENOTTY");
        }
        try (var pair = UnixSocket.pair()) {
            assertThatThrownBy(() -> FileIo.fdatasync(pair.left().fd()))
                    .hasMessageContaining("EINVAL");
            assertThatThrownBy(() -> FileIo.seekData(pair.left().fd(), 0))
                    .hasMessageContaining("ESPIPE");
        }
    }

    @Test
    void shouldNotAllocatePerTransfer() throws LinuxException {
        try (Fd fd = Memfd.create("hot", 8192)) {
            MemorySegment data = arena.allocate(512);
            MemorySegment iovecs = iovecs(data);
            Allocation.assertNone(() -> {
                if (FileIo.pwritev2(fd, iovecs, 1, 0, 0) != 512
                        || FileIo.preadv2(fd, iovecs, 1, 0, 0) != 512
                        || FileIo.pread(fd, data, 0) != 512
                        || FileIo.pwrite(fd, data, 0) != 512) {
                    throw new AssertionError("short transfer");
                }
            });
        }
    }

    private MemorySegment text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return arena.allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
    }

    private static String string(MemorySegment bytes) {
        return new String(bytes.toArray(JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private MemorySegment iovecs(MemorySegment... pieces) {
        MemorySegment iovecs = arena.allocate(16L * pieces.length, 8);
        for (int i = 0; i < pieces.length; i++) {
            iovecs.set(ADDRESS, 16L * i, pieces[i]);
            iovecs.set(JAVA_LONG, 16L * i + 8, pieces[i].byteSize());
        }
        return iovecs;
    }
}
