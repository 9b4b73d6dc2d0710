package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemoryDiskTest extends AllocationFreeDiskContract {
    private static final long CHUNK = 64 << 10;

    @Override
    Disk create(long bytes) {
        return new MemoryDisk(bytes, sectorBytes, false);
    }

    @Override
    Disk createReadOnly(long bytes) {
        return new MemoryDisk(bytes, sectorBytes, true);
    }

    @Test
    void shouldTakeMemoryOnlyWhereSomethingWasWritten() throws Exception {
        long size = 3L << 40;
        Disk disk = closeLater(create(size));
        disk.write(1L << 40, Scatter.of(Bytes.filled(sectorBytes, 1)).vector(), false);
        disk.read(2L << 40, Scatter.contiguous(1 << 20).vector());
        assertThat(allocated(disk)).containsExactly(1L << 40, CHUNK);
    }

    @Test
    void shouldGiveWholeChunksBackOnUnmap() throws Exception {
        Disk disk = closeLater(create(8 * CHUNK));
        disk.write(0, Scatter.of(Bytes.filled((int) (8 * CHUNK), 1)).vector(), false);
        disk.unmap(CHUNK + sectorBytes, 3 * CHUNK);
        assertThat(allocated(disk)).containsExactly(0L, 2 * CHUNK, 4 * CHUNK, 4 * CHUNK);
        disk.write(2 * CHUNK, Scatter.of(Bytes.filled(sectorBytes, 2)).vector(), false);
        byte[] again = read(disk, (int) (2 * CHUNK / sectorBytes), (int) (CHUNK / sectorBytes));
        assertThat(again[0]).isEqualTo((byte) 2);
        Bytes.requireAll(0, Arrays.copyOfRange(again, sectorBytes, again.length));
    }

    @Test
    void shouldCrossTheBordersOfItsWindows() throws Exception {
        long border = 1L << 30;
        Disk disk = closeLater(create(2 * border));
        byte[] content = Bytes.random(Seed.random(), (int) (4 * CHUNK));
        disk.write(border - 2 * CHUNK, Scatter.of(content).vector(), false);
        Scatter into = Scatter.contiguous(content.length);
        disk.read(border - 2 * CHUNK, into.vector());
        Bytes.requireEqual(into.content(), content);
    }

    private List<Long> allocated(Disk disk) throws DiskException {
        List<Long> extents = new ArrayList<>();
        disk.extents(
                0,
                disk.sizeBytes(),
                (offset, bytes, allocated) -> {
                    if (allocated) {
                        extents.add(offset);
                        extents.add(bytes);
                    }
                    return true;
                });
        return extents;
    }
}
