package dev.airlock.cli;

import dev.airlock.lab.bench.Aim;
import dev.airlock.lab.bench.BenchRow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What {@code airlock bench} prints, as text and as JSON. */
final class BenchReport {
    private final List<BenchRow> rows;
    private final Map<String, Double> machine;

    /**
     * @param machine the yardsticks that stand beside every row
     */
    BenchReport(List<BenchRow> rows, Map<String, Double> machine) {
        this.rows = rows;
        this.machine = machine;
    }

    /** One object. */
    Map<String, Object> fields() {
        return Map.of(
                "rows", rows.stream().map(BenchReport::fields).toList(), "yardsticks", machine);
    }

    private static Map<String, Object> fields(BenchRow row) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", row.name());
        fields.put("isolation", row.isolation());
        fields.put("unit", row.unit());
        fields.put("median", row.sample().median());
        fields.put("min", row.sample().min());
        fields.put("max", row.sample().max());
        fields.put("aim", aim(row));
        fields.put("yardsticks", row.yardsticks());
        fields.put("details", row.details());
        fields.put("note", row.note());
        return fields;
    }

    /** Null without an aim; {@code bound} and {@code met} null when its yardstick is missing. */
    private static @Nullable Map<String, @Nullable Object> aim(BenchRow row) {
        Aim aim = row.aim();
        if (aim == null) {
            return null;
        }
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("is", aim.isFloor() ? "at least" : "at most");
        fields.put("bound", row.hasBound() ? row.bound() : null);
        fields.put("met", row.hasBound() ? row.isMet() : null);
        fields.put("factor", aim.factor());
        fields.put("yardstick", aim.yardstick());
        return fields;
    }

    /** Two tables, the machine's figures, and notes. */
    String render() {
        TextTable aims =
                new TextTable(
                        "row",
                        "isolated",
                        "median",
                        "min",
                        "max",
                        "unit",
                        "aim",
                        "met",
                        "beside it");
        TextTable loads =
                new TextTable(
                        "row",
                        "isolated",
                        "IOPS",
                        "p50 µs",
                        "p99 µs",
                        "guest CPU µs/IO",
                        "host CPU µs/IO",
                        "signals/IO");
        List<String> notes = new ArrayList<>();
        boolean anyLoad = false;
        for (BenchRow row : rows) {
            String isolated = isolated(row);
            aims.row(
                    row.name(),
                    isolated,
                    number(row.sample().median()),
                    number(row.sample().min()),
                    number(row.sample().max()),
                    row.unit(),
                    bound(row),
                    row.hasBound() ? row.isMet() ? "yes" : "NO" : "",
                    words(own(row)));
            Map<String, Double> details = row.details();
            if (details.containsKey("iops")) {
                anyLoad = true;
                loads.row(
                        row.name(),
                        isolated,
                        number(details.getOrDefault("iops", Double.NaN)),
                        decimal(details, "latencyP50Us"),
                        decimal(details, "latencyP99Us"),
                        decimal(details, "guestCpuUsPerIo"),
                        decimal(details, "hostCpuUsPerIo"),
                        decimal(details, "signalsPerIo"));
            }
            if (!row.note().isEmpty()) {
                notes.add(row.name() + ": " + row.note());
            }
        }
        StringBuilder text = new StringBuilder(aims.render());
        if (anyLoad) {
            text.append('\n').append(loads.render());
        }
        text.append("this machine meanwhile: ").append(words(machine)).append('\n');
        notes.stream().distinct().forEach(note -> text.append(note).append('\n'));
        return text.toString();
    }

    private static String isolated(BenchRow row) {
        return switch (row.isolation()) {
            case "forced" -> "yes";
            case "none" -> "no";
            default -> "";
        };
    }

    private static String bound(BenchRow row) {
        Aim aim = row.aim();
        if (aim == null) {
            return "";
        }
        return row.hasBound() ? (aim.isFloor() ? "≥ " : "≤ ") + number(row.bound()) : "?";
    }

    /** The yardsticks that are not the same for all rows. */
    private Map<String, Double> own(BenchRow row) {
        Map<String, Double> own = new LinkedHashMap<>(row.yardsticks());
        own.keySet().removeAll(machine.keySet());
        return own;
    }

    private static String words(Map<String, Double> figures) {
        List<String> parts = new ArrayList<>();
        figures.forEach((name, value) -> parts.add(name + "=" + number(value)));
        return String.join(" ", parts);
    }

    private static String number(double value) {
        return String.format(
                Locale.ROOT, value < 10 ? "%,.2f" : value < 1000 ? "%,.1f" : "%,.0f", value);
    }

    private static String decimal(Map<String, Double> details, String name) {
        return String.format(Locale.ROOT, "%,.2f", details.getOrDefault(name, Double.NaN));
    }
}
