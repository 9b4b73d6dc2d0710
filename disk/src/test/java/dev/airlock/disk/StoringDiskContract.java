package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.memory.IoVector;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** What every disk does that keeps data. */
abstract class StoringDiskContract extends DiskContract {
    private static final int RANDOM_REQUESTS = 600;
    private static final int REQUEST_SECTORS_MAX = 60;

    /** Whether the size can be changed. */
    boolean resizes() {
        return true;
    }

    /** Whether a read can be relied on to need no waiting right after the same data was read. */
    boolean readsWithoutWaiting() {
        return true;
    }

    @Test
    void shouldReadZeroesWhereNothingWasWritten() throws Exception {
        Disk disk = disk();
        Scatter all = Scatter.of(Bytes.filled((int) size(), 0xFF));
        disk.read(0, all.vector());
        Bytes.requireAll(0, all.content());
    }

    @Test
    void shouldReadBackWhatWasWritten() throws Exception {
        SplittableRandom random = Seed.random();
        Disk disk = disk();
        for (int unit : new int[] {1, 4, 512}) {
            byte[] content = Bytes.random(random, 20 * sectorBytes);
            Scatter from = Scatter.random(random, content.length, unit);
            from.set(content);
            disk.write(3L * sectorBytes, from.vector(), false);
            Bytes.requireEqual(from.content(), content);
            Scatter into = Scatter.random(random, content.length, unit);
            disk.read(3L * sectorBytes, into.vector());
            Bytes.requireEqual(into.content(), content);
            into.requireRestUntouched();
        }
        Bytes.requireAll(0, read(disk, 0, 3));
        Bytes.requireAll(0, read(disk, 23, SECTORS - 23));
    }

    @Test
    void shouldTakeMoreRangesThanTheKernelTakesAtOnce() throws Exception {
        SplittableRandom random = Seed.random();
        byte[] content = Bytes.random(random, SECTORS * sectorBytes);
        int piece = content.length / 3000 + 1;
        Scatter memory = Scatter.of(new byte[2 * content.length]);
        IoVector vector = new IoVector(3000);
        for (int at = 0; at < content.length; at += piece) {
            vector.add(memory.vector().segment(0), 2L * at, Math.min(piece, content.length - at));
        }
        assertThat(vector.count()).isGreaterThan(1024);
        vector.copyFrom(0, MemorySegment.ofArray(content), 0, content.length);
        Disk disk = disk();
        disk.write(0, vector, false);
        Bytes.requireEqual(read(disk, 0, SECTORS), content);
        vector.fill(0, content.length, (byte) 0);
        disk.read(0, vector);
        byte[] back = new byte[content.length];
        vector.copyTo(0, MemorySegment.ofArray(back), 0, back.length);
        Bytes.requireEqual(back, content);
    }

    @Test
    void shouldNeitherWriteNorReadAnythingWhenTheRangeIsRefused() throws Exception {
        Disk disk = disk();
        byte[] content = Bytes.filled(2 * sectorBytes, 0x11);
        assertKind(
                DiskException.Kind.OUT_OF_RANGE,
                () -> disk.write(size() - sectorBytes, Scatter.of(content).vector(), true));
        Bytes.requireAll(0, read(disk, SECTORS - 1, 1));
    }

    @Test
    void shouldReadZeroesAfterWriteZeroes() throws Exception {
        for (boolean mayUnmap : new boolean[] {false, true}) {
            Disk disk = disk();
            disk.write(0, Scatter.of(Bytes.filled((int) size(), 0x22)).vector(), false);
            disk.writeZeroes(5L * sectorBytes, 100L * sectorBytes, mayUnmap);
            Bytes.requireAll(0x22, read(disk, 0, 5));
            Bytes.requireAll(0, read(disk, 5, 100));
            Bytes.requireAll(0x22, read(disk, 105, SECTORS - 105));
        }
    }

    @Test
    void shouldReadZeroesOrAsBeforeAfterUnmap() throws Exception {
        Disk disk = disk();
        disk.write(0, Scatter.of(Bytes.filled((int) size(), 0x33)).vector(), false);
        disk.unmap(5L * sectorBytes, 100L * sectorBytes);
        Bytes.requireAll(0x33, read(disk, 0, 5));
        Bytes.requireAll(0x33, read(disk, 105, SECTORS - 105));
        byte[] unmapped = read(disk, 5, 100);
        if (disk.limits().unmapReadsZeroes()) {
            Bytes.requireAll(0, unmapped);
        } else {
            for (byte b : unmapped) {
                assertThat(b).isIn((byte) 0, (byte) 0x33);
            }
        }
    }

    @Test
    void shouldReportExtentsInOrderAndWithoutGaps() throws Exception {
        Disk disk = disk();
        disk.write(20L * sectorBytes, Scatter.of(Bytes.filled(sectorBytes, 0x44)).vector(), false);
        disk.write(
                90L * sectorBytes, Scatter.of(Bytes.filled(3 * sectorBytes, 0x44)).vector(), false);
        long from = 7L * sectorBytes;
        long to = 120L * sectorBytes;
        long[] at = {from};
        disk.extents(
                from,
                to - from,
                (offset, bytes, allocated) -> {
                    assertThat(offset).isEqualTo(at[0]);
                    assertThat(bytes).isPositive().matches(n -> n % sectorBytes == 0);
                    at[0] = offset + bytes;
                    assertThat(at[0]).isLessThanOrEqualTo(to);
                    if (!allocated) {
                        assertThat(overlaps(offset, bytes, 20, 1) || overlaps(offset, bytes, 90, 3))
                                .isFalse();
                    }
                    return true;
                });
        assertThat(at[0]).isEqualTo(to);
    }

    @Test
    void shouldStopReportingExtentsWhenToldTo() throws Exception {
        Disk disk = disk();
        disk.write(60L * sectorBytes, Scatter.of(Bytes.filled(sectorBytes, 0x44)).vector(), false);
        int[] calls = {0};
        disk.extents(
                0,
                size(),
                (offset, bytes, allocated) -> {
                    calls[0]++;
                    return false;
                });
        assertThat(calls[0]).isEqualTo(1);
    }

    @Test
    void shouldReadZeroesInSectorsThatWereCutOffAndAddedAgain() throws Exception {
        if (!resizes()) {
            Disk disk = disk();
            assertKind(DiskException.Kind.OUT_OF_RANGE, () -> disk.resize(2 * size()));
            return;
        }
        Disk disk = disk();
        disk.write(0, Scatter.of(Bytes.filled((int) size(), 0x55)).vector(), false);
        disk.resize(50L * sectorBytes);
        assertThat(disk.sizeBytes()).isEqualTo(50L * sectorBytes);
        assertKind(
                DiskException.Kind.OUT_OF_RANGE,
                () -> disk.read(50L * sectorBytes, Scatter.contiguous(sectorBytes).vector()));
        disk.resize(2 * size());
        Bytes.requireAll(0x55, read(disk, 0, 50));
        Bytes.requireAll(0, read(disk, 50, 2 * SECTORS - 50));
        disk.write(
                2 * size() - sectorBytes,
                Scatter.of(Bytes.filled(sectorBytes, 0x66)).vector(),
                true);
        Bytes.requireAll(0x66, read(disk, 2 * SECTORS - 1, 1));
    }

    @Test
    void shouldReadWithoutWaitingWhatWasJustRead() throws Exception {
        Disk disk = disk();
        byte[] content = Bytes.filled(4 * sectorBytes, 0x77);
        disk.write(0, Scatter.of(content).vector(), false);
        Scatter into = Scatter.contiguous(content.length);
        disk.read(0, into.vector());
        into.set(new byte[content.length]);
        if (disk.tryRead(0, into.vector())) {
            Bytes.requireEqual(into.content(), content);
        } else {
            assertThat(readsWithoutWaiting()).as("a cached read need not wait").isFalse();
        }
        assertThat(disk.mayBlock() || readsWithoutWaiting()).isTrue();
    }

    @Test
    void shouldBehaveLikeAnArrayOfBytes() throws Exception {
        SplittableRandom random = Seed.random();
        Disk disk = disk();
        byte[] model = new byte[(int) size()];
        for (int i = 0; i < RANDOM_REQUESTS; i++) {
            int sectors = random.nextInt(1, random.nextInt(4) == 0 ? REQUEST_SECTORS_MAX : 10);
            int first = random.nextInt(SECTORS - sectors + 1);
            long offset = (long) first * sectorBytes;
            int length = sectors * sectorBytes;
            int unit = random.nextBoolean() ? 512 : 4;
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> {
                    Scatter from = Scatter.random(random, length, unit);
                    byte[] content = Bytes.random(random, length);
                    from.set(content);
                    disk.write(offset, from.vector(), random.nextInt(10) == 0);
                    System.arraycopy(content, 0, model, (int) offset, length);
                }
                case 3 -> {
                    disk.writeZeroes(offset, length, random.nextBoolean());
                    Arrays.fill(model, (int) offset, (int) offset + length, (byte) 0);
                }
                case 4 -> {
                    disk.unmap(offset, length);
                    byte[] now = read(disk, first, sectors);
                    for (int at = 0; at < length; at++) {
                        boolean allowed =
                                now[at] == 0
                                        || (!disk.limits().unmapReadsZeroes()
                                                && now[at] == model[(int) offset + at]);
                        assertThat(allowed).as("byte %d after unmap", offset + at).isTrue();
                    }
                    System.arraycopy(now, 0, model, (int) offset, length);
                }
                case 5 -> disk.flush();
                default -> {
                    Scatter into = Scatter.random(random, length, unit);
                    if (random.nextBoolean() || !disk.tryRead(offset, into.vector())) {
                        disk.read(offset, into.vector());
                    }
                    Bytes.requireEqual(
                            into.content(),
                            Arrays.copyOfRange(model, (int) offset, (int) offset + length));
                    into.requireRestUntouched();
                }
            }
        }
        Bytes.requireEqual(read(disk, 0, SECTORS), model);
    }

    /**
     * Each thread writes sectors of its own, next to those of the others, so that they share pages,
     * chunks and clusters.
     */
    @Test
    void shouldKeepNeighbouringSectorsOfSeveralThreadsApart() throws Exception {
        SplittableRandom random = Seed.random();
        Disk disk = disk();
        int threads = 4;
        List<Future<byte[]>> results = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            for (int t = 0; t < threads; t++) {
                int mine = t;
                SplittableRandom own = random.split();
                results.add(executor.submit(() -> writeEveryFourthSector(disk, own, mine)));
            }
        }
        for (int t = 0; t < threads; t++) {
            byte[] written = results.get(t).get();
            for (int sector = t; sector < SECTORS; sector += threads) {
                byte[] expected = Bytes.filled(sectorBytes, written[sector]);
                Bytes.requireEqual(read(disk, sector, 1), expected);
            }
        }
    }

    private byte[] writeEveryFourthSector(Disk disk, SplittableRandom random, int mine)
            throws DiskException {
        byte[] written = new byte[SECTORS];
        for (int i = 0; i < 150; i++) {
            int sector = random.nextInt((SECTORS - mine + 3) / 4) * 4 + mine;
            if (random.nextInt(5) == 0) {
                disk.writeZeroes((long) sector * sectorBytes, sectorBytes, true);
                written[sector] = 0;
            } else {
                written[sector] = (byte) random.nextInt(1, 128);
                byte[] content = Bytes.filled(sectorBytes, written[sector]);
                disk.write((long) sector * sectorBytes, Scatter.of(content).vector(), false);
            }
            Bytes.requireAll(written[sector], read(disk, sector, 1));
        }
        return written;
    }

    final byte[] read(Disk disk, int firstSector, int sectors) throws DiskException {
        Scatter into = Scatter.contiguous((long) sectors * sectorBytes);
        disk.read((long) firstSector * sectorBytes, into.vector());
        return into.content();
    }

    private boolean overlaps(long offset, long bytes, int firstSector, int sectors) {
        return offset < (long) (firstSector + sectors) * sectorBytes
                && (long) firstSector * sectorBytes < offset + bytes;
    }
}
