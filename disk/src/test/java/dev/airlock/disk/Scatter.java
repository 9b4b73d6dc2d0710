package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.memory.IoVector;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * Memory of a caller: ranges scattered over native memory, which knows whether anything between
 * them was touched.
 */
final class Scatter {
    private static final byte UNTOUCHED = 0x5A;

    private final MemorySegment memory;
    private final IoVector vector;

    private Scatter(MemorySegment memory, IoVector vector) {
        this.memory = memory;
        this.vector = vector;
    }

    /** One page-aligned range. */
    static Scatter contiguous(long bytes) {
        MemorySegment memory = Arena.ofAuto().allocate(Math.max(bytes, 1), 4096);
        IoVector vector = new IoVector(1);
        vector.add(memory, 0, bytes);
        return new Scatter(memory, vector);
    }

    /** One page-aligned range with that content. */
    static Scatter of(byte[] content) {
        Scatter scatter = contiguous(content.length);
        scatter.set(content);
        return scatter;
    }

    /**
     * Ranges of random length and distance.
     *
     * @param unit what addresses and lengths are multiples of; divides {@code bytes}
     */
    static Scatter random(SplittableRandom random, int bytes, int unit) {
        int units = bytes / unit;
        int rangesMax = 1 + Math.min(units, random.nextInt(1, 20));
        MemorySegment memory = Arena.ofAuto().allocate(2L * bytes + 16L * unit * rangesMax, 4096);
        memory.fill(UNTOUCHED);
        IoVector vector = new IoVector(rangesMax);
        long at = 0;
        int left = units;
        while (left > 0) {
            int take = vector.count() == rangesMax - 1 ? left : random.nextInt(1, left + 1);
            at += (long) unit * random.nextInt(1, 8);
            assertThat(vector.add(memory, at, (long) take * unit)).isTrue();
            at += (long) take * unit;
            left -= take;
        }
        return new Scatter(memory, vector);
    }

    IoVector vector() {
        return vector;
    }

    void set(byte[] content) {
        vector.copyFrom(0, MemorySegment.ofArray(content), 0, content.length);
    }

    byte[] content() {
        byte[] content = new byte[Math.toIntExact(vector.totalBytes())];
        vector.copyTo(0, MemorySegment.ofArray(content), 0, content.length);
        return content;
    }

    /**
     * Fails if a byte outside the ranges is not what it was. For random ranges; consumes the
     * content.
     */
    void requireRestUntouched() {
        vector.fill(0, vector.totalBytes(), UNTOUCHED);
        byte[] all = memory.toArray(ValueLayout.JAVA_BYTE);
        for (int i = 0; i < all.length; i++) {
            if (all[i] != UNTOUCHED) {
                throw new AssertionError("memory outside the ranges was written: at=" + i);
            }
        }
    }
}
