package dev.airlock.dma;

/**
 * Which segment of an area may have a free run long enough: a value of 0 to {@value #MAX} for each
 * segment, kept as the leaves of an 8-ary maximum tree whose nodes are the bytes of a long. "First
 * segment with at least n" is one comparison of eight bytes at once for each level: three levels
 * for the 64 MiB default pool, five for the largest.
 *
 * <p>A value is an upper bound, never less than the truth. Taking slots does not touch it; a search
 * that comes back empty lowers it, freeing raises it. So the work of keeping it is paid by the
 * searches that failed, each of which had an earlier allocation for a cause, and the common calls
 * do next to nothing, also when the pool is nearly full.
 *
 * <p>Not thread-safe: guarded by its area's lock.
 */
final class FreeRunIndex {
    /** Largest value; a longer run counts as this much. */
    static final int MAX = 127;

    static final int NONE = -1;

    private static final long BYTE_TOPS = 0x8080_8080_8080_8080L;
    private static final long BYTE_ONES = 0x0101_0101_0101_0101L;

    /** The tree's levels one after another, leaves first; unused bytes are 0. */
    private final long[] nodes;

    private final int[] levelStart;
    private final int top;

    FreeRunIndex(int segments, int value) {
        int levels = 1;
        for (int words = words(segments); words > 1; words = words(words)) {
            levels++;
        }
        levelStart = new int[levels];
        top = levels - 1;
        int total = 0;
        int width = segments;
        for (int level = 0; level < levels; level++) {
            levelStart[level] = total;
            width = words(width);
            total += width;
        }
        nodes = new long[total];
        for (int segment = 0; segment < segments; segment++) {
            raise(segment, value);
        }
    }

    /**
     * @param run 1 or more
     * @return the first segment from {@code from} on whose value is at least {@code run} (or {@link
     *     #MAX}), or {@link #NONE}
     */
    int firstAtLeast(int run, int from) {
        int wanted = Math.min(run, MAX);
        int level = from == 0 ? top : 0;
        int at = from;
        while (true) {
            int word = at >>> 3;
            if (word >= levelWords(level)) {
                return NONE;
            }
            long hits = atLeast(nodes[levelStart[level] + word], wanted) & -1L << ((at & 7) << 3);
            if (hits != 0) {
                at = (word << 3) + (Long.numberOfTrailingZeros(hits) >>> 3);
                break;
            }
            if (level == top) {
                return NONE;
            }
            at = word + 1;
            level++;
        }
        while (level > 0) {
            level--;
            long hits = atLeast(nodes[levelStart[level] + at], wanted);
            at = (at << 3) + (Long.numberOfTrailingZeros(hits) >>> 3);
        }
        return at;
    }

    /** The value of a segment. */
    int value(int segment) {
        return (int) (nodes[segment >>> 3] >>> ((segment & 7) << 3)) & 0xFF;
    }

    /** Makes the value of a segment at least {@code run}. */
    void raise(int segment, int run) {
        int value = Math.min(run, MAX);
        int at = segment;
        for (int level = 0; level <= top; level++) {
            int word = levelStart[level] + (at >>> 3);
            int shift = (at & 7) << 3;
            long node = nodes[word];
            if ((node >>> shift & 0xFF) >= value) {
                return;
            }
            nodes[word] = node & ~(0xFFL << shift) | (long) value << shift;
            at >>>= 3;
        }
    }

    /** Makes the value of a segment {@code run}, which is less than it was. */
    void lower(int segment, int run) {
        int value = Math.min(run, MAX);
        int at = segment;
        for (int level = 0; level <= top; level++) {
            int word = levelStart[level] + (at >>> 3);
            int shift = (at & 7) << 3;
            long node = nodes[word] & ~(0xFFL << shift) | (long) value << shift;
            if (node == nodes[word]) {
                return;
            }
            nodes[word] = node;
            value = largest(node);
            at >>>= 3;
        }
    }

    /** The top bit of each byte that is at least {@code wanted}; all values are below 128. */
    private static long atLeast(long node, int wanted) {
        return (node | BYTE_TOPS) - wanted * BYTE_ONES & BYTE_TOPS;
    }

    private static int largest(long node) {
        long four = larger(node, node >>> 32);
        long two = larger(four, four >>> 16);
        return (int) larger(two, two >>> 8) & 0xFF;
    }

    /** The larger of each two bytes. */
    private static long larger(long a, long b) {
        long tops = (a | BYTE_TOPS) - (b & ~BYTE_TOPS) & BYTE_TOPS;
        long whole = tops - (tops >>> 7) | tops;
        return a & whole | b & ~whole;
    }

    private int levelWords(int level) {
        return (level == top ? nodes.length : levelStart[level + 1]) - levelStart[level];
    }

    private static int words(int values) {
        return values + 7 >>> 3;
    }
}
