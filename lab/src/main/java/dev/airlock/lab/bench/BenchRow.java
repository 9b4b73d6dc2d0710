package dev.airlock.lab.bench;

import java.util.Map;

/**
 * One row of a benchmark: several runs of one thing, beside what the machine could do at best in
 * the same minutes.
 *
 * @param name the load and the disk
 * @param isolation {@code forced} or {@code none}
 * @param unit of the sample
 * @param sample I/Os or megabytes a second
 * @param details other figures of the same runs, medians, by name with the unit last
 * @param yardsticks what bounds the row, by name with the unit last
 */
public record BenchRow(
        String name,
        String isolation,
        String unit,
        Sample sample,
        Map<String, Double> details,
        Map<String, Double> yardsticks) {}
