package dev.airlock.lab.bench;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a row is to reach: a number, or a multiple of a yardstick of the same runs. Immutable.
 *
 * @param isFloor whether more is better
 * @param factor the number, or what the yardstick is multiplied by
 * @param yardstick its name; null for a plain number
 * @param ofWorst whether the yardstick's largest run counts rather than its median: no growth
 *     beyond the spread
 */
public record Aim(boolean isFloor, double factor, @Nullable String yardstick, boolean ofWorst) {

    /** A number or more. */
    public static Aim atLeast(double value) {
        return new Aim(true, value, null, false);
    }

    /** A number or less. */
    public static Aim atMost(double value) {
        return new Aim(false, value, null, false);
    }

    /** A share of a yardstick or more. */
    public static Aim atLeast(double factor, String yardstick) {
        return new Aim(true, factor, yardstick, false);
    }

    /** A multiple of a yardstick or less. */
    public static Aim atMost(double factor, String yardstick) {
        return new Aim(false, factor, yardstick, false);
    }

    /** No more than the largest run of a yardstick. */
    public static Aim withinSpreadOf(String yardstick) {
        return new Aim(false, 1, yardstick, true);
    }

    /** The aim as a number; NaN when its yardstick was not measured. */
    double bound(Map<String, Sample> yardsticks) {
        if (yardstick == null) {
            return factor;
        }
        Sample sample = yardsticks.get(yardstick);
        if (sample == null) {
            return Double.NaN;
        }
        return factor * (ofWorst ? sample.max() : sample.median());
    }

    boolean isMet(double value, double bound) {
        return isFloor ? value >= bound : value <= bound;
    }
}
