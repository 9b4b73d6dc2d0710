package dev.airlock.lab.mapping;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All that a run of the laboratory found; every form of output is made from it. Immutable.
 *
 * @param machine what it ran on, and of what versions, in order
 * @param run what was run, and how to repeat it, in order
 * @param answers to the review
 * @param tables the evidence
 */
public record MappingReport(
        Map<String, String> machine,
        Map<String, String> run,
        List<Answer> answers,
        List<ReportTable> tables) {

    public MappingReport {
        machine = Collections.unmodifiableMap(new LinkedHashMap<>(machine));
        run = Collections.unmodifiableMap(new LinkedHashMap<>(run));
        answers = List.copyOf(answers);
        tables = List.copyOf(tables);
    }

    /** A table by its name; it must be there. */
    public ReportTable table(String name) {
        for (ReportTable table : tables) {
            if (table.name().equals(name)) {
                return table;
            }
        }
        throw new IllegalArgumentException("no table " + name);
    }
}
