package dev.airlock.disk;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class SparseBitmapTest {
    private static final int BITS = 200_000;

    @Test
    void shouldBehaveLikeABitSet() {
        SplittableRandom random = Seed.random();
        SparseBitmap bitmap = new SparseBitmap();
        BitSet model = new BitSet(BITS);
        for (int i = 0; i < 20_000; i++) {
            int from = random.nextInt(BITS);
            int to = Math.min(BITS, from + random.nextInt(1, 300));
            switch (random.nextInt(4)) {
                case 0 -> {
                    for (int bit = from; bit < to; bit++) {
                        bitmap.set(bit);
                    }
                    model.set(from, to);
                }
                case 1 -> {
                    bitmap.clear(from);
                    model.clear(from);
                }
                case 2 -> assertThat(bitmap.get(from)).isEqualTo(model.get(from));
                default -> {
                    int clear = Math.min(BITS, model.nextClearBit(from));
                    int set = model.nextSetBit(from) < 0 ? BITS : model.nextSetBit(from);
                    assertThat(bitmap.runEnd(from, BITS, true)).isEqualTo(clear);
                    assertThat(bitmap.runEnd(from, BITS, false)).isEqualTo(set);
                    assertThat(bitmap.runEnd(from, to, false)).isEqualTo(Math.min(to, set));
                }
            }
        }
    }

    @Test
    void shouldSkipWhatWasNeverSet() {
        SparseBitmap bitmap = new SparseBitmap();
        long far = 1L << 32;
        assertThat(bitmap.runEnd(3, far, false)).isEqualTo(far);
        bitmap.set(far - 1);
        assertThat(bitmap.runEnd(3, far, false)).isEqualTo(far - 1);
        assertThat(bitmap.get(far)).isFalse();
    }

    @Test
    void shouldLoseNoBitThatSeveralThreadsSet() throws Exception {
        SparseBitmap bitmap = new SparseBitmap();
        int threads = 4;
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> done = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int mine = t;
                done.add(
                        executor.submit(() -> {
                            for (int bit = mine; bit < BITS; bit += threads) {
                                bitmap.set(bit);
                            }
                        }));
            }
            for (Future<?> each : done) {
                each.get();
            }
        }
        assertThat(bitmap.runEnd(0, BITS, true)).isEqualTo(BITS);
    }
}
