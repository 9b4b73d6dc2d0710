package dev.airlock.storvsc;

/** Seeds of the randomised tests. */
public final class Seed {
    private Seed() {}

    /** The seed to replay ({@code -Dairlock.seed=N}), or a new one, printed so that it can be. */
    public static long get() {
        Long replay = Long.getLong("airlock.seed");
        long seed = replay != null ? replay : System.nanoTime();
        System.out.println("replay with -Dairlock.seed=" + seed);
        return seed;
    }
}
