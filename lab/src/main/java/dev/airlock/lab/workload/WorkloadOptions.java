package dev.airlock.lab.workload;

/**
 * How a {@link VerifiedWorkload} behaves. Immutable.
 *
 * @param threads how many threads issue I/O
 * @param depth I/Os that each thread keeps in flight
 * @param seed of every random choice and of the data written; the same seed gives the same choices
 *     per worker
 * @param readOnly whether nothing may be written
 * @param maxIoBytes the largest I/O
 * @param areaBytes the most that one worker works on; bounds the memory of the model, 8 bytes a
 *     sector
 * @param baseline what the disk holds before
 */
public record WorkloadOptions(
        int threads,
        int depth,
        long seed,
        boolean readOnly,
        int maxIoBytes,
        int areaBytes,
        Baseline baseline) {
    /**
     * What {@code airlock run} does: 512 B to 1 MiB, 4 threads of 4 I/Os, on 16 areas of at most 16
     * MiB.
     */
    public static WorkloadOptions standard(long seed, boolean readOnly, Baseline baseline) {
        return new WorkloadOptions(4, 4, seed, readOnly, 1 << 20, 16 << 20, baseline);
    }

    /** Checks every range. */
    public WorkloadOptions {
        require(threads >= 1 && threads <= 256, "threads", threads);
        require(depth >= 1 && depth <= 256, "depth", depth);
        require(maxIoBytes >= 4096 && maxIoBytes <= 64 << 20, "maxIoBytes", maxIoBytes);
        require(areaBytes >= maxIoBytes, "areaBytes", areaBytes);
    }

    private static void require(boolean holds, String name, long value) {
        if (!holds) {
            throw new IllegalArgumentException("out of range: " + name + "=" + value);
        }
    }
}
