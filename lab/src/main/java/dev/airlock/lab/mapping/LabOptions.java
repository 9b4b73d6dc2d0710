package dev.airlock.lab.mapping;

import dev.airlock.dma.DmaDirection;

/**
 * How long the laboratory measures. Immutable.
 *
 * @param rounds measurements of everything, interleaved, at least 1
 * @param warmUp whether a round that does not count goes before
 * @param mapNanos for one measurement of mapping alone
 * @param pathNanos for one of the path, at each queue depth
 * @param pressureNanos for one of the pool under pressure
 * @param write whether the I/Os are writes; else reads
 * @param pinned whether the guests' channels stay on the first processor; the host should then be
 *     on another
 */
public record LabOptions(
        int rounds,
        boolean warmUp,
        long mapNanos,
        long pathNanos,
        long pressureNanos,
        boolean write,
        boolean pinned) {

    public LabOptions {
        if (rounds < 1 || rounds > 1000) {
            throw new IllegalArgumentException("rounds must be in [1, 1000]: " + rounds);
        }
    }

    /** For figures: a minute or so with five rounds. */
    public static LabOptions standard(int rounds) {
        return new LabOptions(rounds, true, 4_000_000, 10_000_000, 15_000_000, false, true);
    }

    /** For a look at the form of it all: everything once, too shortly to mean anything. */
    public static LabOptions quick() {
        return new LabOptions(1, false, 100_000, 1_500_000, 1_000_000, false, false);
    }

    /** The same with writes in place of reads. */
    public LabOptions withWrites(boolean writes) {
        return new LabOptions(rounds, warmUp, mapNanos, pathNanos, pressureNanos, writes, pinned);
    }

    /** The same with another number of rounds. */
    public LabOptions withRounds(int count) {
        return new LabOptions(count, warmUp, mapNanos, pathNanos, pressureNanos, write, pinned);
    }

    DmaDirection direction() {
        return write ? DmaDirection.TO_DEVICE : DmaDirection.FROM_DEVICE;
    }
}
