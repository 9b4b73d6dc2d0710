package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.FlakyFile.Call;
import dev.airlock.linux.Errno;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class OverlayDiskTest extends AllocationFreeDiskContract {
    @Override
    Disk create(long bytes) throws Exception {
        return OverlayDisk.over(new MemoryDisk(bytes, sectorBytes, true));
    }

    /** An overlay is there to be written; what is read-only is a disk without one. */
    @Override
    Disk createReadOnly(long bytes) {
        return new MemoryDisk(bytes, sectorBytes, true);
    }

    /** A base with content, over which everything has to look like a copy of it. */
    private MemoryDisk base(byte[] content) throws DiskException {
        MemoryDisk base = new MemoryDisk(content.length, sectorBytes, false);
        base.write(0, Scatter.of(content).vector(), false);
        return base;
    }

    @Test
    void shouldBehaveLikeACopyOfItsBaseAndLeaveThatAsItIs() throws Exception {
        SplittableRandom random = Seed.random();
        byte[] original = Bytes.random(random, SECTORS * sectorBytes);
        MemoryDisk base = base(original);
        Disk disk = closeLater(OverlayDisk.over(base));
        byte[] model = original.clone();
        for (int i = 0; i < 300; i++) {
            int sectors = random.nextInt(1, 12);
            int first = random.nextInt(SECTORS - sectors + 1);
            int at = first * sectorBytes;
            int length = sectors * sectorBytes;
            switch (random.nextInt(5)) {
                case 0 -> {
                    disk.unmap(at, length);
                    Arrays.fill(model, at, at + length, (byte) 0);
                }
                case 1 -> {
                    disk.writeZeroes(at, length, random.nextBoolean());
                    Arrays.fill(model, at, at + length, (byte) 0);
                }
                case 2, 3 -> {
                    byte[] content = Bytes.random(random, length);
                    disk.write(at, Scatter.of(content).vector(), false);
                    System.arraycopy(content, 0, model, at, length);
                }
                default ->
                        Bytes.requireEqual(
                                read(disk, first, sectors),
                                Arrays.copyOfRange(model, at, at + length));
            }
        }
        Bytes.requireEqual(read(disk, 0, SECTORS), model);
        Scatter untouched = Scatter.contiguous(size());
        base.read(0, untouched.vector());
        Bytes.requireEqual(untouched.content(), original);
    }

    @Test
    void shouldNotShowTheBaseAgainInSectorsThatWereCutOff() throws Exception {
        Disk disk = closeLater(OverlayDisk.over(base(Bytes.filled((int) size(), 0x71))));
        disk.resize(21L * sectorBytes);
        disk.resize(size());
        Bytes.requireAll(0x71, read(disk, 0, 21));
        Bytes.requireAll(0, read(disk, 21, SECTORS - 21));
        disk.write(22L * sectorBytes, Scatter.of(Bytes.filled(sectorBytes, 0x72)).vector(), false);
        Bytes.requireAll(0, read(disk, 21, 1));
        Bytes.requireAll(0x71, read(disk, 0, 21));
    }

    @Test
    void shouldKeepTheOldContentOfASectorWhoseWriteFailed() throws Exception {
        FlakyFile file = FlakyFile.over(new ArrayFile(ArrayFile.cached(), new byte[(int) size()]));
        Disk changes = new RawDisk(file, size(), sectorBytes, false);
        Disk disk = closeLater(new OverlayDisk(base(Bytes.filled((int) size(), 0x71)), changes));
        Scatter from = Scatter.of(Bytes.filled(9 * sectorBytes, 0x72));
        file.fail(Call.WRITE, Errno.ENOSPC);
        assertKind(
                DiskException.Kind.NO_SPACE, () -> disk.write(sectorBytes, from.vector(), false));
        Bytes.requireAll(0x71, read(disk, 0, SECTORS));
        file.mend(Call.WRITE);
        disk.write(sectorBytes, from.vector(), false);
        Bytes.requireAll(0x71, read(disk, 0, 1));
        Bytes.requireAll(0x72, read(disk, 1, 9));
        Bytes.requireAll(0x71, read(disk, 10, SECTORS - 10));
    }

    @Test
    void shouldReportFailuresOfItsBase() throws Exception {
        FlakyFile file = FlakyFile.over(new ArrayFile(ArrayFile.cached(), new byte[(int) size()]));
        Disk disk = closeLater(OverlayDisk.over(new RawDisk(file, size(), sectorBytes, true)));
        file.fail(Call.READ, Errno.EIO);
        assertKind(DiskException.Kind.IO, () -> read(disk, 0, 1));
        disk.write(0, Scatter.of(Bytes.filled(8 * 4096, 0x72)).vector(), false);
        Bytes.requireAll(0x72, read(disk, 0, 8 * 4096 / sectorBytes));
    }

    @Test
    void shouldCallExtentsAllocatedWhereEitherPartHoldsData() throws Exception {
        MemoryDisk base = new MemoryDisk(1 << 20, sectorBytes, false);
        base.write(0, Scatter.of(Bytes.filled(65536, 1)).vector(), false);
        Disk disk = closeLater(OverlayDisk.over(base));
        disk.write(512 << 10, Scatter.of(Bytes.filled(8192, 2)).vector(), false);
        disk.unmap(0, 32768);
        StringBuilder extents = new StringBuilder();
        disk.extents(
                0,
                1 << 20,
                (offset, bytes, allocated) -> {
                    extents.append(allocated ? offset + "+" + bytes + " " : "");
                    return true;
                });
        assertThat(extents).asString().isEqualTo("32768+32768 524288+8192 ");
    }
}
