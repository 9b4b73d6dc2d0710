package dev.airlock.lab.workload;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * A part of a disk that one worker of the workload owns, and what each of its sectors must hold:
 * the pattern of its last write, zeroes, or, before the first write, whatever the disk held at the
 * start, known by its checksum.
 *
 * <p>Not thread safe: one worker, one operation at a time.
 */
final class Area {
    private static final int UNTOUCHED = 0;
    private static final int ZEROED = -1;

    private final Baseline baseline;
    private final long seed;
    private final long firstSector;
    private final int sectorBytes;

    /** UNTOUCHED, ZEROED, or the number of the sector's last write. */
    private final int[] generation;

    /**
     * CRC-32C of sectors that are untouched, once they were seen; valid where {@link #seen} is set.
     */
    private final int[] checksum;

    private final boolean[] seen;
    private final CRC32C crc = new CRC32C();

    Area(Baseline baseline, long seed, long firstSector, int sectors, int sectorBytes) {
        this.baseline = baseline;
        this.seed = seed;
        this.firstSector = firstSector;
        this.sectorBytes = sectorBytes;
        generation = new int[sectors];
        checksum = new int[sectors];
        seen = new boolean[sectors];
    }

    int sectors() {
        return generation.length;
    }

    /** Byte offset on the disk of the area's sector {@code index}. */
    long diskOffset(int index) {
        return (firstSector + index) * sectorBytes;
    }

    boolean isWritten(int index) {
        return generation[index] != UNTOUCHED;
    }

    /** Advances the generation of sectors and fills {@code memory} with what they shall hold. */
    void prepareWrite(int index, int count, MemorySegment memory, long offset) {
        for (int i = 0; i < count; i++) {
            int next = generation[index + i] < 0 ? 1 : generation[index + i] + 1;
            generation[index + i] = next;
            SectorPattern.fill(
                    memory,
                    offset + (long) i * sectorBytes,
                    sectorBytes,
                    seed,
                    firstSector + index + i,
                    next);
        }
    }

    void zeroed(int index, int count) {
        Arrays.fill(generation, index, index + count, ZEROED);
    }

    /**
     * How many bytes of {@code count} sectors, just read into {@code memory}, are not what they
     * must be.
     */
    long wrongBytes(int index, int count, MemorySegment memory, long offset) {
        long wrong = 0;
        for (int i = 0; i < count; i++) {
            long at = offset + (long) i * sectorBytes;
            int written = generation[index + i];
            if (written > 0) {
                wrong +=
                        SectorPattern.wrongBytes(
                                memory, at, sectorBytes, seed, firstSector + index + i, written);
            } else if (written == ZEROED) {
                wrong += SectorPattern.nonZeroBytes(memory, at, sectorBytes);
            } else {
                wrong += untouchedWrongBytes(index + i, memory, at);
            }
        }
        return wrong;
    }

    private int untouchedWrongBytes(int index, MemorySegment memory, long at) {
        int found = checksum(memory, at);
        if (!seen[index]) {
            seen[index] = true;
            checksum[index] = baseline.checksum(diskOffset(index), sectorBytes, found);
        }
        // A checksum cannot say how many bytes are wrong: the whole sector is suspect.
        return found == checksum[index] ? 0 : sectorBytes;
    }

    private int checksum(MemorySegment memory, long at) {
        crc.reset();
        crc.update(memory.asSlice(at, sectorBytes).asByteBuffer());
        return (int) crc.getValue();
    }
}
