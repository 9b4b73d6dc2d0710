package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NullDiskTest extends DiskContract {
    @Override
    Disk create(long bytes) {
        return new NullDisk(bytes, sectorBytes, false);
    }

    @Override
    Disk createReadOnly(long bytes) {
        return new NullDisk(bytes, sectorBytes, true);
    }

    @Test
    void shouldLeaveTheMemoryOfAReaderAsItIs() throws Exception {
        byte[] content = new byte[sectorBytes];
        content[7] = 7;
        Scatter scatter = Scatter.of(content);
        Disk disk = disk();
        disk.write(0, Scatter.contiguous(sectorBytes).vector(), true);
        disk.read(0, scatter.vector());
        assertThat(disk.tryRead(0, scatter.vector())).isTrue();
        assertThat(scatter.content()).isEqualTo(content);
    }

    @Test
    void shouldTakeAnySize() throws Exception {
        Disk disk = disk();
        disk.resize(1L << 50);
        assertThat(disk.sizeBytes()).isEqualTo(1L << 50);
        disk.read((1L << 50) - sectorBytes, Scatter.contiguous(sectorBytes).vector());
    }
}
