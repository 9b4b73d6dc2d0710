package dev.airlock.lab.mapping;

import dev.airlock.lab.bench.Sample;
import java.util.Locale;

/** How figures are written for people. Stateless. */
public final class Numbers {
    private static final int KIB = 1024;

    private Numbers() {}

    /** Nanoseconds in the unit that suits them. */
    public static String time(double nanos) {
        return nanos < 1_000
                ? three(nanos) + " ns"
                : nanos < 1_000_000 ? three(nanos / 1e3) + " µs" : three(nanos / 1e6) + " ms";
    }

    /** A power of two, as {@code 4 KiB}; what is none, as {@code 252 KiB} or bytes. */
    public static String bytes(double count) {
        long value = Math.round(count);
        if (value >= KIB * KIB && value % (KIB * KIB) == 0) {
            return value / KIB / KIB + " MiB";
        }
        return value >= KIB && value % KIB == 0 ? value / KIB + " KiB" : value + " B";
    }

    /** Three digits, or all before the point, with separators. */
    public static String three(double value) {
        double size = Math.abs(value);
        if (value == Math.rint(value) || size >= 100) {
            return String.format(Locale.ROOT, "%,.0f", value);
        }
        return String.format(Locale.ROOT, size >= 10 ? "%.1f" : "%.2f", value);
    }

    /** How much larger {@code value} is than {@code base}, with a sign. */
    static String percent(double value, double base) {
        return String.format(Locale.ROOT, "%+.0f %%", 100 * (value / base - 1));
    }

    /** Half the distance of the extremes as a share of the median, 0 for an exact figure. */
    static double spread(Sample sample) {
        return sample.median() == 0 ? 0 : (sample.max() - sample.min()) / 2 / sample.median();
    }

    /** A figure with its spread, if there is one. */
    public static String withSpread(Sample sample) {
        double spread = spread(sample);
        return three(sample.median())
                + (spread == 0 ? "" : String.format(Locale.ROOT, " ±%.0f%%", 100 * spread));
    }
}
