package dev.airlock.lab.workload;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What a sector holds after its n-th write: 8-byte words that depend on the workload's seed, the
 * sector's number, the write's generation and the word's place, so that a byte from another sector,
 * another place in the sector, an older write or another run is always a wrong byte. Stateless; any
 * thread.
 */
final class SectorPattern {
    private static final ValueLayout.OfLong WORD =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * An odd constant with well-spread bits (2^64 divided by the golden ratio), as in SplitMix64.
     */
    private static final long STEP = 0x9E3779B97F4A7C15L;

    private SectorPattern() {}

    /** Writes the pattern of one sector of {@code sectorBytes} at {@code offset}. */
    static void fill(
            MemorySegment memory,
            long offset,
            int sectorBytes,
            long seed,
            long sector,
            int generation) {
        long word = first(seed, sector, generation);
        for (int at = 0; at < sectorBytes; at += Long.BYTES) {
            memory.set(WORD, offset + at, word);
            word += STEP;
        }
    }

    /** How many bytes of the sector at {@code offset} differ from the pattern. */
    static int wrongBytes(
            MemorySegment memory,
            long offset,
            int sectorBytes,
            long seed,
            long sector,
            int generation) {
        long word = first(seed, sector, generation);
        int wrong = 0;
        for (int at = 0; at < sectorBytes; at += Long.BYTES) {
            long found = memory.get(WORD, offset + at);
            if (found != word) {
                wrong += differingBytes(found ^ word);
            }
            word += STEP;
        }
        return wrong;
    }

    /** How many bytes of the sector at {@code offset} are not zero. */
    static int nonZeroBytes(MemorySegment memory, long offset, int sectorBytes) {
        int wrong = 0;
        for (int at = 0; at < sectorBytes; at += Long.BYTES) {
            long found = memory.get(WORD, offset + at);
            if (found != 0) {
                wrong += differingBytes(found);
            }
        }
        return wrong;
    }

    private static long first(long seed, long sector, int generation) {
        long mixed = seed ^ (sector * 0xD1B54A32D192ED03L) ^ ((long) generation << 32);
        mixed = (mixed ^ (mixed >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }

    private static int differingBytes(long difference) {
        int bytes = 0;
        for (int i = 0; i < Long.BYTES; i++) {
            if (((difference >>> (8 * i)) & 0xFF) != 0) {
                bytes++;
            }
        }
        return bytes;
    }
}
