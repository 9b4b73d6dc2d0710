package dev.airlock.storvsp;

import java.util.Random;

/** Randomness of a test, printed so that a run can be repeated. */
final class Seed {
    private Seed() {}

    /** As {@code -Dairlock.seed=N} says, else another one each time. */
    static Random random() {
        Long replay = Long.getLong("airlock.seed");
        long seed = replay != null ? replay : System.nanoTime();
        System.out.println("replay with -Dairlock.seed=" + seed);
        return new Random(seed);
    }
}
