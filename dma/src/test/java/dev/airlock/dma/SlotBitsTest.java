package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** Every operation against the same one on a {@link BitSet}. */
class SlotBitsTest {
    private static final int SLOTS = 128;

    private final RandomGenerator random = Seeded.forTest("SlotBitsTest").random();

    @Test
    void shouldMakeEveryRange() {
        for (int first = 0; first < SLOTS; first++) {
            for (int count = 1; count <= SLOTS - first; count++) {
                BitSet expected = new BitSet();
                expected.set(first, first + count);
                assertThat(bits(SlotBits.rangeLow(first, count), SlotBits.rangeHigh(first, count)))
                        .as("first=%d count=%d", first, count)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void shouldFindWhereRunsBeginAndEnd() {
        for (int round = 0; round < 1_000; round++) {
            long low = sample();
            long high = sample();
            BitSet bits = bits(low, high);
            for (int at = 0; at <= SLOTS; at++) {
                assertThat(SlotBits.endOfRun(low, high, at))
                        .as("end low=%x high=%x at=%d", low, high, at)
                        .isEqualTo(Math.min(bits.nextClearBit(at), SLOTS));
                assertThat(SlotBits.startOfRun(low, high, at))
                        .as("start low=%x high=%x at=%d", low, high, at)
                        .isEqualTo(bits.previousClearBit(at - 1) + 1);
            }
        }
    }

    @Test
    void shouldSelectSlotsByTheBitsOfAMask() {
        for (int mask = 0; mask < SLOTS; mask++) {
            int index = random.nextInt(SLOTS);
            BitSet expected = new BitSet();
            for (int slot = 0; slot < SLOTS; slot++) {
                expected.set(slot, ((slot ^ index) & mask) == 0);
            }
            long low = SlotBits.aligned(index, mask, false);
            long high = SlotBits.aligned(index, mask, true);
            assertThat(bits(low, high)).as("mask=%x index=%d", mask, index).isEqualTo(expected);
        }
    }

    @Test
    void shouldSelectStartsThatKeepWithinABoundary() {
        for (int boundary = 1; boundary <= 64; boundary *= 2) {
            for (int count = 1; count <= boundary; count++) {
                BitSet expected = new BitSet();
                for (int slot = 0; slot < 64; slot++) {
                    expected.set(slot, slot / boundary == (slot + count - 1) / boundary);
                }
                assertThat(bits(SlotBits.withinBoundary(count, boundary), 0))
                        .as("boundary=%d count=%d", boundary, count)
                        .isEqualTo(expected);
            }
        }
    }

    /** Sparse, dense, and in long runs. */
    private long sample() {
        long few = 1L << random.nextInt(64);
        few |= 1L << random.nextInt(64);
        return switch (random.nextInt(6)) {
            case 0 -> few;
            case 1 -> ~few;
            case 2 -> -1L << random.nextInt(64);
            case 3 -> -1L >>> random.nextInt(64);
            case 4 -> random.nextLong();
            default -> random.nextBoolean() ? -1L : 0L;
        };
    }

    private static BitSet bits(long low, long high) {
        return BitSet.valueOf(new long[] {low, high});
    }
}
