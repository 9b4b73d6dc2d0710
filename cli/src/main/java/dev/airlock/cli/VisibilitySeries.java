package dev.airlock.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Visible pages over time, in few samples however long it goes on: when there are too many, every
 * other one is dropped and the next ones come half as often. Thread-safe.
 */
final class VisibilitySeries {
    /** Samples kept, at most; at least half as many once that was reached. */
    static final int SAMPLES_MAX = 64;

    private static final long FIRST_INTERVAL_MS = 100;

    private final List<Sample> samples = new ArrayList<>();
    private long intervalMs = FIRST_INTERVAL_MS;

    /**
     * How it was at one moment.
     *
     * @param milliseconds since the start
     * @param visible pages
     */
    record Sample(long milliseconds, long visible) {
        /** For {@code --report}: the module's classes are closed to what writes JSON. */
        Map<String, Long> fields() {
            Map<String, Long> fields = new LinkedHashMap<>();
            fields.put("milliseconds", milliseconds);
            fields.put("visible", visible);
            return fields;
        }
    }

    /** Takes a sample; tells in how many milliseconds to take the next one. */
    synchronized long add(long milliseconds, long visible) {
        if (samples.size() == SAMPLES_MAX) {
            for (int i = SAMPLES_MAX - 1; i > 0; i -= 2) {
                samples.remove(i);
            }
            intervalMs *= 2;
        }
        samples.add(new Sample(milliseconds, visible));
        return intervalMs;
    }

    /** All there are, oldest first. */
    synchronized List<Sample> samples() {
        return List.copyOf(samples);
    }

    /**
     * Starts a thread that takes samples until it is interrupted.
     *
     * @param milliseconds since the start
     * @param visible pages now
     */
    Thread sample(LongSupplier milliseconds, LongSupplier visible) {
        return Thread.ofPlatform()
                .daemon()
                .name("boot-visibility")
                .start(() -> {
                    try {
                        while (true) {
                            Thread.sleep(add(milliseconds.getAsLong(), visible.getAsLong()));
                        }
                    } catch (InterruptedException end) {
                        // The guest has ended.
                    }
                });
    }
}
