package dev.airlock.disk;

import java.util.SplittableRandom;

/** Seeds of the randomised tests. */
final class Seed {
    private Seed() {}

    /**
     * Random numbers from the seed to replay ({@code -Dairlock.seed=N}), or from a new one, printed
     * so that it can be.
     */
    static SplittableRandom random() {
        Long replay = Long.getLong("airlock.seed");
        long seed = replay != null ? replay : System.nanoTime();
        System.out.println("replay with -Dairlock.seed=" + seed);
        return new SplittableRandom(seed);
    }
}
