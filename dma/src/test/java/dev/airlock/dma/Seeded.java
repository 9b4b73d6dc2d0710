package dev.airlock.dma;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Randomness of a test that can be repeated: prints the seed it runs with, and takes it from {@code
 * -Dairlock.seed=N} when that is set.
 */
final class Seeded {
    private static final RandomGeneratorFactory<RandomGenerator> FACTORY =
            RandomGeneratorFactory.of("L64X128MixRandom");

    private final long seed;

    private Seeded(long seed) {
        this.seed = seed;
    }

    static Seeded forTest(String name) {
        Long given = Long.getLong("airlock.seed");
        long seed = given != null ? given : System.nanoTime();
        System.out.println(name + ": replay with -Dairlock.seed=" + seed);
        return new Seeded(seed);
    }

    RandomGenerator random() {
        return FACTORY.create(seed);
    }

    /** An independent stream, the same one for the same number. */
    RandomGenerator random(int stream) {
        return FACTORY.create(seed + 0x9E37_79B9_7F4A_7C15L * (stream + 1));
    }
}
