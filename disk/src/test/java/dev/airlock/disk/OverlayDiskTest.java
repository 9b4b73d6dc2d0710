package dev.airlock.disk;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class OverlayDiskTest extends StoringDiskContract {
    @TempDir Path directory;

    @Override
    Disk create(long bytes) throws Exception {
        return OverlayDisk.over(new MemoryDisk(bytes, sectorBytes, true));
    }

    /** An overlay is there to be written; what is read-only is a disk without one. */
    @Override
    Disk createReadOnly(long bytes) throws Exception {
        return new MemoryDisk(bytes, sectorBytes, true);
    }
}
