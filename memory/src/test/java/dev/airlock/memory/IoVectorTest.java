package dev.airlock.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Memfd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IoVectorTest {
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment memory = arena.allocate(64 * 1024, 4096);
    private final IoVector vector = new IoVector(8);

    @Test
    void shouldListRangesInOrderAndJoinNeighbours() {
        assertThat(vector.add(memory, 4096, 100)).isTrue();
        assertThat(vector.add(memory, 4196, 50)).isTrue();
        assertThat(vector.add(memory, 8192, 10)).isTrue();
        assertThat(vector.add(memory, 0, 0)).isTrue();

        assertThat(vector.count()).isEqualTo(2);
        assertThat(vector.totalBytes()).isEqualTo(160);
        assertThat(vector.offset(0)).isEqualTo(4096);
        assertThat(vector.length(0)).isEqualTo(150);
        assertThat(vector.segment(1)).isEqualTo(memory);
        assertThat(vector.nativeIovecs().get(JAVA_LONG, 0)).isEqualTo(memory.address() + 4096);
        assertThat(vector.nativeIovecs().get(JAVA_LONG, 8)).isEqualTo(150);
        assertThat(vector.nativeIovecs().get(JAVA_LONG, 16)).isEqualTo(memory.address() + 8192);
        assertThat(vector.nativeIovecs().get(JAVA_LONG, 24)).isEqualTo(10);
    }

    @Test
    void shouldNotJoinRangesOfDifferentMemory() {
        MemorySegment first = memory.asSlice(0, 8192);
        MemorySegment second = memory.asSlice(16384, 8192);
        vector.add(first, 0, 4096);
        vector.add(second, 4096, 4096);
        assertThat(vector.count()).isEqualTo(2);
    }

    @Test
    void shouldRefuseARangeWhenFullButStillJoinNeighbours() {
        for (int i = 0; i < vector.capacity(); i++) {
            assertThat(vector.add(memory, i * 4096L, 10)).isTrue();
        }
        assertThat(vector.add(memory, 60_000, 10)).isFalse();
        assertThat(vector.count()).isEqualTo(8);
        assertThat(vector.totalBytes()).isEqualTo(80);
        assertThat(vector.add(memory, 7 * 4096 + 10, 10)).isTrue();
        assertThat(vector.totalBytes()).isEqualTo(90);

        vector.clear();
        assertThat(vector.count()).isZero();
        assertThat(vector.totalBytes()).isZero();
    }

    @Test
    void shouldThrowForRangesOutsideTheirMemory() {
        for (long[] range :
                new long[][] {{-1, 1}, {0, -1}, {65536, 1}, {1, 65536}, {Long.MAX_VALUE, 2}}) {
            assertThatThrownBy(() -> vector.add(memory, range[0], range[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContaining("size=65536");
        }
        assertThatThrownBy(() -> vector.offset(0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void shouldBehaveLikeOnePieceOfMemory() {
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            randomRanges(random);
            int total = (int) vector.totalBytes();
            byte[] model = flat();
            int from = random.nextInt(total + 1);
            int bytes = random.nextInt(total - from + 1);
            String replay = "replay with -Dairlock.seed=" + seed + " round=" + round;

            MemorySegment outside = arena.allocate(bytes + 16L);
            switch (random.nextInt(3)) {
                case 0 -> {
                    byte[] fresh = new byte[bytes];
                    random.nextBytes(fresh);
                    MemorySegment.copy(fresh, 0, outside, JAVA_BYTE, 8, bytes);
                    vector.copyFrom(from, outside, 8, bytes);
                    System.arraycopy(fresh, 0, model, from, bytes);
                }
                case 1 -> {
                    vector.fill(from, bytes, (byte) 0x5A);
                    Arrays.fill(model, from, from + bytes, (byte) 0x5A);
                }
                default -> {
                    IoVector slice = new IoVector(8);
                    assertThat(vector.slice(from, bytes, slice)).as(replay).isTrue();
                    assertThat(slice.totalBytes()).as(replay).isEqualTo(bytes);
                    slice.fill(0, bytes, (byte) 0x33);
                    Arrays.fill(model, from, from + bytes, (byte) 0x33);
                }
            }
            assertThat(flat()).as(replay).isEqualTo(model);
            vector.copyTo(from, outside, 3, bytes);
            assertThat(outside.asSlice(3, bytes).toArray(JAVA_BYTE))
                    .as(replay)
                    .isEqualTo(Arrays.copyOfRange(model, from, from + bytes));
        }
    }

    @Test
    void shouldRefuseASliceThatDoesNotFit() {
        vector.add(memory, 0, 10);
        vector.add(memory, 100, 10);
        IoVector small = new IoVector(1);
        assertThat(vector.slice(5, 10, small)).isFalse();
        assertThat(small.count()).isZero();
        assertThat(vector.slice(12, 5, small)).isTrue();
        assertThat(small.offset(0)).isEqualTo(102);
    }

    @Test
    void shouldThrowForPartsBeyondTheRanges() {
        vector.add(memory, 0, 10);
        assertThatThrownBy(() -> vector.fill(5, 6, (byte) 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> vector.copyTo(-1, memory, 0, 1))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> vector.copyFrom(0, memory, 65_530, 10))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> vector.slice(0, 11, new IoVector(1)))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> new IoVector(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldBeWhatTheKernelTransfers() throws LinuxException {
        try (Fd fd = Memfd.create("transfer", 8192)) {
            memory.asSlice(100, 7).fill((byte) 7);
            memory.asSlice(9000, 3).fill((byte) 3);
            vector.add(memory, 100, 7);
            vector.add(memory, 9000, 3);
            assertThat(FileIo.pwritev2(fd, vector.nativeIovecs(), vector.count(), 50, 0))
                    .isEqualTo(10);
            MemorySegment back = arena.allocate(10);
            assertThat(FileIo.pread(fd, back, 50)).isEqualTo(10);
            assertThat(back.toArray(JAVA_BYTE)).containsExactly(7, 7, 7, 7, 7, 7, 7, 3, 3, 3);
        }
    }

    /** Some ranges that do not overlap, each in its own page. */
    private void randomRanges(Random random) {
        vector.clear();
        int ranges = 1 + random.nextInt(8);
        for (int i = 0; i < ranges; i++) {
            int offset = random.nextInt(4096);
            vector.add(memory, i * 8192L + offset, 1 + random.nextInt(4096 - offset));
        }
    }

    private byte[] flat() {
        byte[] bytes = new byte[(int) vector.totalBytes()];
        int at = 0;
        for (int i = 0; i < vector.count(); i++) {
            int length = (int) vector.length(i);
            MemorySegment.copy(vector.segment(i), JAVA_BYTE, vector.offset(i), bytes, at, length);
            at += length;
        }
        return bytes;
    }
}
