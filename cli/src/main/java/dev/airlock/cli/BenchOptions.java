package dev.airlock.cli;

import picocli.CommandLine.Option;

/** What {@code airlock bench} and {@code airlock bench nbd} have in common. */
final class BenchOptions {
    @Option(
            names = "--runs",
            paramLabel = "N",
            description = "measurements of each row, interleaved; default: ${DEFAULT-VALUE}")
    private int runs = 5;

    @Option(
            names = "--row",
            paramLabel = "PATTERN",
            description = "only rows whose name contains this, such as 'QD32' or 'copy'")
    private String row = "";

    @Option(names = "--json", description = "print one JSON object instead of a table")
    private boolean json;

    /** Refuses numbers that make no sense. */
    void checkRuns() {
        if (runs < 1 || runs > 1000) {
            throw CommandFailure.usage("--runs must be 1 to 1000");
        }
    }

    int runs() {
        return runs;
    }

    String row() {
        return row;
    }

    boolean json() {
        return json;
    }
}
