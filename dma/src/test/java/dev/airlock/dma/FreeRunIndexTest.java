package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against an array that is searched from end to end. */
class FreeRunIndexTest {
    private final RandomGenerator random = Seeded.forTest("FreeRunIndexTest").random();

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 8, 9, 63, 64, 65, 128, 512, 513, 5000})
    void shouldFindTheFirstSegmentThatMayHoldARun(int segments) {
        int[] model = new int[segments];
        int start = random.nextInt(129);
        FreeRunIndex index = new FreeRunIndex(segments, start);
        Arrays.fill(model, Math.min(start, FreeRunIndex.MAX));
        for (int round = 0; round < 3_000; round++) {
            int segment = random.nextInt(segments);
            int run = random.nextInt(129);
            if (random.nextInt(4) == 0) {
                index.raise(segment, run);
                model[segment] = Math.max(model[segment], Math.min(run, FreeRunIndex.MAX));
            } else if (model[segment] > 0) {
                int lower = random.nextInt(model[segment]);
                index.lower(segment, lower);
                model[segment] = lower;
            }
            assertThat(index.value(segment)).isEqualTo(model[segment]);

            int wanted = 1 + random.nextInt(128);
            int from = random.nextInt(3) == 0 ? random.nextInt(segments + 1) : 0;
            assertThat(index.firstAtLeast(wanted, from))
                    .as("round=%d wanted=%d from=%d", round, wanted, from)
                    .isEqualTo(first(model, wanted, from));
        }
    }

    private static int first(int[] model, int wanted, int from) {
        for (int segment = from; segment < model.length; segment++) {
            if (model[segment] >= Math.min(wanted, FreeRunIndex.MAX)) {
                return segment;
            }
        }
        return FreeRunIndex.NONE;
    }
}
