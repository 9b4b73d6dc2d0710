package dev.airlock.lab.mapping;

/** Where a test's random choices come from. */
final class Seeds {
    private Seeds() {}

    /** As {@code -Dairlock.seed=N} says, else another one each time; printed. */
    static long next() {
        Long replay = Long.getLong("airlock.seed");
        long seed = replay != null ? replay : System.nanoTime();
        System.out.println("replay with -Dairlock.seed=" + seed);
        return seed;
    }
}
