package dev.airlock.lab.bench;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One row of the benchmark: several runs of one thing, beside what the machine could do at best in
 * the same minutes.
 *
 * @param name what was done
 * @param isolation {@code forced} or {@code none}; {@code both} where no guest memory is concerned
 * @param unit of the sample
 * @param sample the runs
 * @param aim what was to be reached; null where nothing was
 * @param bound the aim as a number of this unit in this run; NaN without an aim, or without the
 *     yardstick it refers to
 * @param details other figures of the same runs, medians, by name with the unit last
 * @param yardsticks what bounds the row, medians, by name with the unit last
 * @param note why something is missing; empty when nothing is
 */
public record BenchRow(
        String name,
        String isolation,
        String unit,
        Sample sample,
        @Nullable Aim aim,
        double bound,
        Map<String, Double> details,
        Map<String, Double> yardsticks,
        String note) {

    /** Whether there is an aim that can be judged. */
    public boolean hasBound() {
        return !Double.isNaN(bound);
    }

    /** Whether the median reaches the aim; false where there is none. */
    public boolean isMet() {
        Aim wanted = aim;
        return wanted != null && hasBound() && wanted.isMet(sample.median(), bound);
    }
}
