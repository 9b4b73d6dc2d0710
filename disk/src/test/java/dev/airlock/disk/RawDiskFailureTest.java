package dev.airlock.disk;

import static dev.airlock.disk.DiskContract.assertKind;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.disk.DiskException.Kind;
import dev.airlock.disk.FlakyFile.Call;
import dev.airlock.linux.Errno;
import dev.airlock.memory.IoVector;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What a raw disk makes of a file that fails. */
class RawDiskFailureTest {
    private static final int SECTOR = 512;
    private static final int SIZE = 64 << 10;

    private final ArrayFile array = new ArrayFile(ArrayFile.cached(), new byte[SIZE]);
    private final FlakyFile file = FlakyFile.over(array);
    private final RawDisk disk = new RawDisk(file, SIZE, SECTOR, false);
    private final Scatter sector = Scatter.of(Bytes.filled(SECTOR, 0x42));

    @Test
    void shouldReportAReadThatFailsAndGoOn() throws Exception {
        file.fail(Call.READ, Errno.EIO);
        assertThatThrownBy(() -> disk.read(1024, sector.vector()))
                .isInstanceOf(DiskException.class)
                .hasMessage("disk=array read offset=1024 bytes=512 errno=5 EIO");
        file.mend(Call.READ);
        disk.read(1024, sector.vector());
        Bytes.requireAll(0, sector.content());
    }

    @Test
    void shouldTellLackOfSpaceFromOtherFailures() throws Exception {
        for (int errno : new int[] {Errno.ENOSPC, Errno.EDQUOT}) {
            file.fail(Call.WRITE, errno);
            assertKind(Kind.NO_SPACE, () -> disk.write(0, sector.vector(), false));
        }
        file.fail(Call.WRITE, Errno.EIO);
        assertKind(Kind.IO, () -> disk.write(0, sector.vector(), false));
        file.mend(Call.WRITE);
        disk.write(0, sector.vector(), false);
        disk.flush();
    }

    @Test
    void shouldFailAWriteThatMakesNoProgressInsteadOfTryingForEver() {
        BackingFile stuck =
                new ForwardingFile(array) {
                    @Override
                    public long write(IoVector from, long offset, boolean durable) {
                        return 0;
                    }
                };
        Disk stuckDisk = new RawDisk(stuck, SIZE, SECTOR, false);
        assertKind(Kind.IO, () -> stuckDisk.write(0, sector.vector(), false));
        assertKind(Kind.IO, () -> stuckDisk.writeZeroes(0, SIZE, false));
    }

    @Test
    void shouldStayPoisonedAfterAFailedSync() throws Exception {
        disk.write(0, sector.vector(), false);
        file.fail(Call.SYNC, Errno.EIO);
        assertThatThrownBy(disk::flush)
                .isInstanceOf(DiskException.class)
                .hasMessage(
                        "disk=array is poisoned until it is opened again, written data may be lost:"
                                + " fdatasync errno=5 EIO");
        file.mend(Call.SYNC);
        requirePoisoned();
        assertThat(file.calls(Call.SYNC)).as("syncs after the one that failed").isEqualTo(1);
    }

    @Test
    void shouldStayPoisonedAfterAFailedDurableWriteWhateverItsReason() throws Exception {
        file.fail(Call.DURABLE_WRITE, Errno.ENOSPC);
        assertThatThrownBy(() -> disk.write(512, sector.vector(), true))
                .isInstanceOf(DiskException.class)
                .hasMessageEndingWith("fua write offset=512 bytes=512 errno=28 ENOSPC");
        file.mend(Call.DURABLE_WRITE);
        requirePoisoned();
    }

    private void requirePoisoned() throws DiskException {
        byte[] before = array.content();
        assertKind(Kind.POISONED, disk::flush);
        assertKind(Kind.POISONED, () -> disk.write(0, sector.vector(), false));
        assertKind(Kind.POISONED, () -> disk.write(0, sector.vector(), true));
        assertKind(Kind.POISONED, () -> disk.unmap(0, SECTOR));
        assertKind(Kind.POISONED, () -> disk.writeZeroes(0, SECTOR, false));
        assertKind(Kind.POISONED, () -> disk.resize(2 * SIZE));
        assertThat(array.content()).isEqualTo(before);
        disk.read(0, sector.vector());
        Bytes.requireEqual(sector.content(), Arrays.copyOf(before, SECTOR));
    }

    @Test
    void shouldReadWithoutWaitingOnlyWhatComesWhole() throws Exception {
        Scatter two = Scatter.contiguous(2 * SECTOR);
        file.shorten(SECTOR);
        assertThat(disk.tryRead(0, two.vector())).isFalse();
        file.shorten(Long.MAX_VALUE);
        file.fail(Call.READ_WITHOUT_WAITING, Errno.EAGAIN);
        assertThat(disk.tryRead(0, two.vector())).isFalse();
        file.fail(Call.READ_WITHOUT_WAITING, Errno.EIO);
        assertThat(disk.tryRead(0, two.vector())).isFalse();
        file.mend(Call.READ_WITHOUT_WAITING);
        assertThat(disk.tryRead(0, two.vector())).isTrue();
    }

    @Test
    void shouldNotAskAgainForReadsThatTheFileCannotDo() throws Exception {
        file.fail(Call.READ_WITHOUT_WAITING, Errno.EOPNOTSUPP);
        assertThat(disk.tryRead(0, sector.vector())).isFalse();
        assertThat(disk.tryRead(0, sector.vector())).isFalse();
        assertThat(file.calls(Call.READ_WITHOUT_WAITING)).isEqualTo(1);
        disk.read(0, sector.vector());
    }

    @Test
    void shouldReadZeroesWhereTheFileHasBecomeShorter() throws Exception {
        SplittableRandom random = Seed.random();
        for (boolean direct : new boolean[] {false, true}) {
            ArrayFile shrunk =
                    new ArrayFile(
                            direct ? ArrayFile.direct(SECTOR) : ArrayFile.cached(),
                            Bytes.filled(5000, 0x17));
            RawDisk larger = new RawDisk(shrunk, SIZE, SECTOR, false);
            Scatter into = Scatter.random(random, 8192, 4);
            into.set(Bytes.filled(8192, 0xFF));
            larger.read(0, into.vector());
            byte[] expected = new byte[8192];
            Arrays.fill(expected, 0, 5000, (byte) 0x17);
            Bytes.requireEqual(into.content(), expected);
        }
    }

    @Test
    void shouldWriteZeroesOutWhereTheFileCannotZeroRanges() throws Exception {
        Scatter all = Scatter.of(Bytes.filled(SIZE, 0x42));
        disk.write(0, all.vector(), false);
        file.fail(Call.PUNCH, Errno.EOPNOTSUPP);
        disk.writeZeroes(SECTOR, SIZE - SECTOR, true);
        disk.writeZeroes(0, SECTOR, false);
        disk.read(0, all.vector());
        Bytes.requireAll(0, all.content());
        assertThat(file.calls(Call.ZERO_RANGE)).as("asked once, then known").isEqualTo(1);
    }

    @Test
    void shouldReportFailuresToFreeAndToZero() {
        file.fail(Call.PUNCH, Errno.EIO);
        assertKind(Kind.IO, () -> disk.unmap(0, SECTOR));
        assertKind(Kind.IO, () -> disk.writeZeroes(0, SECTOR, true));
        file.fail(Call.ZERO_RANGE, Errno.ENOSPC);
        assertKind(Kind.NO_SPACE, () -> disk.writeZeroes(0, SECTOR, false));
    }

    @Test
    void shouldCallAllOfItAllocatedWhereTheFileCannotTell() throws Exception {
        file.fail(Call.SEEK, Errno.EINVAL);
        long[] seen = new long[2];
        disk.extents(
                512,
                1024,
                (offset, bytes, allocated) -> {
                    assertThat(allocated).isTrue();
                    seen[0] = offset;
                    seen[1] = bytes;
                    return true;
                });
        assertThat(seen).containsExactly(512, 1024);
        file.fail(Call.SEEK, Errno.EIO);
        assertKind(Kind.IO, () -> disk.extents(0, SIZE, (offset, bytes, allocated) -> true));
    }

    @Test
    void shouldKeepItsSizeWhenAResizeFails() {
        file.fail(Call.TRUNCATE, Errno.EFBIG);
        assertKind(Kind.OUT_OF_RANGE, () -> disk.resize(2 * SIZE));
        file.fail(Call.TRUNCATE, Errno.EIO);
        assertKind(Kind.IO, () -> disk.resize(2 * SIZE));
        assertThat(disk.sizeBytes()).isEqualTo(SIZE);
    }

    @Test
    void shouldNotExposeWhatSomebodyElseLeftPastTheEnd() throws Exception {
        array.write(Scatter.of(Bytes.filled(4096, 0x99)).vector(), SIZE, false);
        disk.resize(SIZE + 4096);
        Scatter into = Scatter.contiguous(4096);
        disk.read(SIZE, into.vector());
        Bytes.requireAll(0, into.content());
    }

    @Test
    void shouldDoNothingOnUnmapWhereTheFileCannotFree() throws Exception {
        FileTraits traits = new FileTraits(false, false, false, 1, 1, 4096, false);
        FlakyFile plain = FlakyFile.over(new ArrayFile(traits, Bytes.filled(SIZE, 0x42)));
        Disk plainDisk = new RawDisk(plain, SIZE, SECTOR, false);
        assertThat(plainDisk.limits().unmapGranularityBytes()).isZero();
        plainDisk.unmap(0, SIZE);
        assertThat(plain.calls(Call.PUNCH)).isZero();
        plainDisk.writeZeroes(0, SIZE, true);
        Scatter all = Scatter.contiguous(SIZE);
        plainDisk.read(0, all.vector());
        Bytes.requireAll(0, all.content());
    }
}
