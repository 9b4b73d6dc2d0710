package dev.airlock.lab.hostile;

import java.util.SplittableRandom;

/** The choices of a hostile peer, all from a seed. For one thread. */
final class Dice {
    /** 2^64 divided by the golden ratio, odd: spreads consecutive numbers (SplitMix64). */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final SplittableRandom random;

    Dice(long seed) {
        random = new SplittableRandom(seed);
    }

    /**
     * Dice of a part of a run: what is thrown for one part does not shift another's, however far
     * timing lets each get.
     */
    static Dice ofPart(long seed, long part) {
        return new Dice((seed ^ part * SPREAD) * SPREAD);
    }

    /** True once in so many throws. */
    boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    /** 0 to {@code bound - 1}. */
    int below(int bound) {
        return random.nextInt(bound);
    }

    /** Both ends included. */
    int between(int least, int most) {
        return random.nextInt(least, most + 1);
    }

    /** Any 64 bits. */
    long bits() {
        return random.nextLong();
    }

    /**
     * A value that a field should not have, in its lowest {@code bytes} bytes: near the valid one,
     * at a limit, or anything; never the valid one.
     */
    long odd(long valid, int bytes) {
        int width = bytes * Byte.SIZE;
        long value =
                switch (below(10)) {
                    case 0, 1 -> valid ^ 1L << below(width);
                    case 2 -> valid + 1;
                    case 3 -> valid - 1;
                    case 4 -> valid + (oneIn(2) ? Long.BYTES : -Long.BYTES);
                    case 5 -> valid << 1;
                    case 6 -> 0;
                    case 7 -> -1L >>> below(width + 1);
                    case 8 -> 1L << below(width);
                    default -> bits();
                };
        long mask = -1L >>> (Long.SIZE - width);
        return ((value ^ valid) & mask) == 0 ? (valid ^ 1) & mask : value & mask;
    }
}
