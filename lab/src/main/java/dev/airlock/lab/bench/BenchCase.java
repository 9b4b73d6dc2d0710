package dev.airlock.lab.bench;

import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Something that is measured again and again and makes a row. Each {@link #measure} is one run.
 * Used by one thread.
 */
interface BenchCase extends AutoCloseable {
    /** The row's name, isolation and unit: see {@link BenchRow}. */
    Label label();

    @Nullable Aim aim();

    /**
     * Measures once.
     *
     * @param nanos for about how long
     */
    Figures measure(long nanos) throws IOException, InterruptedException;

    /** Why something is missing; empty when nothing is. */
    default String note() {
        return "";
    }

    @Override
    default void close() {}

    /** See {@link BenchRow}. */
    record Label(String name, String isolation, String unit) {}

    /**
     * One run.
     *
     * @param value in the row's unit
     * @param details other figures, by name with the unit last
     * @param yardsticks measured together with the value, by name with the unit last
     */
    record Figures(double value, Map<String, Double> details, Map<String, Double> yardsticks) {
        static Figures of(double value) {
            return new Figures(value, Map.of(), Map.of());
        }

        static Figures beside(double value, Map<String, Double> yardsticks) {
            return new Figures(value, Map.of(), yardsticks);
        }
    }

    static String isolation(boolean isolated) {
        return isolated ? "forced" : "none";
    }
}
