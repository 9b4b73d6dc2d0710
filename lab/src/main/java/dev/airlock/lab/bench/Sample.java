package dev.airlock.lab.bench;

import java.util.Arrays;

/**
 * Several measurements of one thing: the median says what it is, the extremes how noisy the machine
 * was. Immutable.
 *
 * @param median the middle value (the mean of the two middle ones for an even count)
 * @param min the smallest
 * @param max the largest
 */
public record Sample(double median, double min, double max) {
    /** The sample of at least one value, in any order. */
    public static Sample of(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("a sample needs at least one value");
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        double median =
                sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Sample(median, sorted[0], sorted[sorted.length - 1]);
    }

    /** The sample with every value multiplied by {@code factor}, which is positive. */
    public Sample times(double factor) {
        return new Sample(median * factor, min * factor, max * factor);
    }
}
