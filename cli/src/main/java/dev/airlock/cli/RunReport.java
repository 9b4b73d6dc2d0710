package dev.airlock.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** What {@code airlock run} tells in the end, as a table or as JSON. Not thread safe. */
final class RunReport {
    private final List<GuestRun.Outcome> outcomes = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();
    private final long seed;
    private long hostPid;

    RunReport(long seed) {
        this.seed = seed;
    }

    void hostStarted(long pid) {
        hostPid = pid;
    }

    void add(GuestRun.Outcome outcome) {
        outcomes.add(outcome);
        String failure = outcome.result().firstFailure();
        if (failure != null) {
            failures.add(
                    "isolation=%s: %s; wrong bytes=%d failed I/Os=%d; repeat with --seed %d"
                            .formatted(
                                    word(outcome),
                                    failure,
                                    outcome.result().wrongBytes(),
                                    outcome.result().failedIos(),
                                    seed));
        }
    }

    void fail(String why) {
        failures.add(why);
    }

    List<String> failures() {
        return failures;
    }

    boolean isGood() {
        return failures.isEmpty()
                && outcomes.stream().allMatch(each -> each.result().wrongBytes() == 0);
    }

    /**
     * Milliseconds from the command to the first I/O that was read and found right; -1 if none was.
     */
    private long firstIoMs() {
        for (GuestRun.Outcome outcome : outcomes) {
            if (outcome.result().firstVerifiedNanoTime() != 0) {
                return Math.max(
                        0, (outcome.firstVerifiedMicros() - Launch.startedMicros()) / 1_000);
            }
        }
        return -1;
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("firstIoMs", firstIoMs());
        fields.put("seed", seed);
        fields.put("modes", outcomes.stream().map(RunReport::fields).toList());
        return fields;
    }

    private static Map<String, Object> fields(GuestRun.Outcome outcome) {
        var result = outcome.result();
        Map<String, Object> latency = new LinkedHashMap<>();
        latency.put("p50", latencyUs(outcome, 50));
        latency.put("p99", latencyUs(outcome, 99));
        latency.put("p999", latencyUs(outcome, 99.9));
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("isolation", word(outcome));
        fields.put("seconds", result.seconds());
        fields.put("ios", result.ios());
        fields.put("iops", iops(outcome));
        fields.put("mbPerSecond", mbPerSecond(outcome));
        fields.put("latencyUs", latency);
        fields.put("bytesBounced", outcome.bytesBounced());
        fields.put("mappingNsPerIo", outcome.mappingNsPerIo());
        fields.put("privatePages", outcome.privatePages());
        fields.put("hostVisiblePages", outcome.hostVisiblePages());
        fields.put("slotsInUse", outcome.slotsInUse());
        fields.put("slotsQuarantined", outcome.slotsQuarantined());
        fields.put("failedIos", result.failedIos());
        fields.put("wrongBytes", result.wrongBytes());
        return fields;
    }

    /** The table, a column for each guest. */
    String render() {
        if (outcomes.isEmpty()) {
            return "ended before any guest ran\n";
        }
        String[] header = new String[outcomes.size() + 1];
        header[0] = "what it cost";
        for (int i = 0; i < outcomes.size(); i++) {
            header[i + 1] = outcomes.get(i).isolated() ? "isolated" : "not isolated";
        }
        TextTable table = new TextTable(header);
        row(table, "verified I/Os", o -> format("%,d", o.result().ios()));
        row(table, "I/Os per second", o -> format("%,.0f", iops(o)));
        row(table, "MB per second", o -> format("%,.0f", mbPerSecond(o)));
        row(table, "latency p50, µs", o -> format("%,.0f", latencyUs(o, 50)));
        row(table, "latency p99, µs", o -> format("%,.0f", latencyUs(o, 99)));
        row(table, "latency p99.9, µs", o -> format("%,.0f", latencyUs(o, 99.9)));
        row(table, "bytes bounced", o -> megabytes(o.bytesBounced()));
        row(table, "mapping per I/O, ns", o -> format("%,.0f", o.mappingNsPerIo()));
        row(table, "pages the host cannot see", o -> format("%,d", o.privatePages()));
        row(table, "pages the host can see", o -> format("%,d", o.hostVisiblePages()));
        row(table, "bounce slots in use at the end", o -> format("%,d", o.slotsInUse()));
        row(table, "bounce slots in quarantine", o -> format("%,d", o.slotsQuarantined()));
        row(table, "wrong bytes", o -> format("%,d", o.result().wrongBytes()));
        String host = hostPid == 0 ? "" : ", host process " + hostPid;
        return table.render()
                + format(
                        "first verified I/O %d ms after the command; guest process %d%s%n",
                        firstIoMs(), ProcessHandle.current().pid(), host);
    }

    private void row(TextTable table, String name, Function<GuestRun.Outcome, String> cell) {
        String[] cells = new String[outcomes.size() + 1];
        cells[0] = name;
        for (int i = 0; i < outcomes.size(); i++) {
            cells[i + 1] = cell.apply(outcomes.get(i));
        }
        table.row(cells);
    }

    private static String word(GuestRun.Outcome outcome) {
        return outcome.isolated() ? "forced" : "none";
    }

    private static double iops(GuestRun.Outcome outcome) {
        return outcome.result().ios() / outcome.result().seconds();
    }

    private static double mbPerSecond(GuestRun.Outcome outcome) {
        return outcome.result().bytes() / 1e6 / outcome.result().seconds();
    }

    private static double latencyUs(GuestRun.Outcome outcome, double percentile) {
        return outcome.result().latencyNs().getValueAtPercentile(percentile) / 1e3;
    }

    /** Bytes for people: decimal megabytes, as disks are sold. */
    static String megabytes(long bytes) {
        return format("%,d MB", bytes / 1_000_000);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
