package dev.airlock.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** What {@code airlock bench guest} prints: medians, least and most of each job. Immutable. */
final class GuestBenchReport {
    private final Map<String, Map<GuestBench.Mode, List<GuestSample>>> samples;
    private final PickUp pickUp;

    /**
     * @param samples by job and mode; each mode as many, in the order of the runs
     */
    GuestBenchReport(Map<String, Map<GuestBench.Mode, List<GuestSample>>> samples, PickUp pickUp) {
        this.samples = samples;
        this.pickUp = pickUp;
    }

    /** Three tables and what they mean. */
    String render() {
        TextTable speed =
                new TextTable(
                        "load",
                        "guest",
                        "IOPS",
                        "min",
                        "max",
                        "MB/s",
                        "mean us",
                        "p50 us",
                        "p99 us",
                        "x not isolated",
                        "min",
                        "max");
        List<String> header =
                new ArrayList<>(List.of("for each I/O", "guest", "returns", "min", "max"));
        List<String> reasons = reasons();
        header.addAll(reasons.stream().map(reason -> "by " + reason).toList());
        header.addAll(List.of("hypercalls", "interrupts", "returns in all", "messages in all"));
        TextTable cost = new TextTable(header.toArray(String[]::new));
        for (Map<String, Object> row : rows()) {
            speed.row(
                    cells(
                            row,
                            "load",
                            "guest",
                            "iops",
                            "iopsMin",
                            "iopsMax",
                            "mbPerSecond",
                            "meanUs",
                            "p50us",
                            "p99us",
                            "ratio",
                            "ratioMin",
                            "ratioMax"));
            if (!row.containsKey("returnsPerIo")) {
                continue; // QEMU does not tell
            }
            List<String> names =
                    new ArrayList<>(
                            List.of(
                                    "load",
                                    "guest",
                                    "returnsPerIo",
                                    "returnsPerIoMin",
                                    "returnsPerIoMax"));
            reasons.forEach(reason -> names.add(reason + "ReturnsPerIo"));
            names.addAll(
                    List.of("hypercallsPerIo", "interruptsPerIo", "returns", "controlMessages"));
            cost.row(cells(row, names.toArray(String[]::new)));
        }
        return speed.render()
                + "\n"
                + cost.render()
                + "returns: of KVM_RUN to user space while fio ran, from the end of the guest's line before it to the start"
                + " of the one after it; interrupts: doorbells of the host that reached the guest. Medians.\n\n"
                + pickUp.render();
    }

    private static String[] cells(Map<String, Object> row, String... names) {
        List<String> cells = new ArrayList<>();
        for (String name : names) {
            cells.add(cell(row.getOrDefault(name, "")));
        }
        return cells.toArray(String[]::new);
    }

    /** For {@code --json}. */
    Map<String, Object> fields() {
        return Map.of("rows", rows(), "pickUp", pickUp.fields());
    }

    private List<Map<String, Object>> rows() {
        List<Map<String, Object>> rows = new ArrayList<>();
        samples.forEach((load, byMode) -> {
            List<GuestSample> base = byMode.getOrDefault(GuestBench.Mode.NOT_ISOLATED, List.of());
            byMode.forEach((mode, runs) -> rows.add(row(load, mode, runs, base)));
        });
        return rows;
    }

    private Map<String, Object> row(
            String load, GuestBench.Mode mode, List<GuestSample> runs, List<GuestSample> base) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("load", load);
        row.put("guest", mode.words());
        spread(row, "iops", values(runs, sample -> sample.fio().iops()));
        middle(row, "mbPerSecond", values(runs, sample -> sample.fio().mbPerSecond()));
        middle(row, "meanUs", values(runs, sample -> sample.fio().meanMicros()));
        middle(row, "p50us", values(runs, sample -> sample.fio().p50Micros()));
        middle(row, "p99us", values(runs, sample -> sample.fio().p99Micros()));
        if (mode != GuestBench.Mode.NOT_ISOLATED) {
            // Each run against the other mode's of the same round.
            double[] ratios = new double[Math.min(runs.size(), base.size())];
            for (int i = 0; i < ratios.length; i++) {
                ratios[i] = runs.get(i).fio().iops() / base.get(i).fio().iops();
            }
            spread(row, "ratio", numbers(Arrays.stream(ratios)));
        }
        if (mode.peer() != null) {
            return row;
        }
        spread(row, "returnsPerIo", values(runs, GuestSample::returnsPerIo));
        for (String reason : reasons()) {
            middle(
                    row,
                    reason + "ReturnsPerIo",
                    values(runs, sample -> sample.returnsPerIo(reason)));
        }
        middle(row, "hypercallsPerIo", values(runs, GuestSample::hypercallsPerIo));
        middle(row, "interruptsPerIo", values(runs, GuestSample::interruptsPerIo));
        middle(row, "returns", values(runs, sample -> sample.counts().allReturns()));
        middle(row, "controlMessages", values(runs, sample -> sample.counts().messages()));
        return row;
    }

    private List<String> reasons() {
        TreeSet<String> reasons = new TreeSet<>();
        samples.values()
                .forEach(byMode ->
                        byMode.values()
                                .forEach(runs ->
                                        runs.forEach(run ->
                                                reasons.addAll(run.counts().returns().keySet()))));
        return List.copyOf(reasons);
    }

    private static void spread(Map<String, Object> row, String name, double[] sorted) {
        middle(row, name, sorted);
        if (sorted.length > 0) {
            row.put(name + "Min", sorted[0]);
            row.put(name + "Max", sorted[sorted.length - 1]);
        }
    }

    private static void middle(Map<String, Object> row, String name, double[] sorted) {
        if (sorted.length > 0) {
            row.put(name, median(sorted));
        }
    }

    private static double[] values(List<GuestSample> runs, ToDoubleFunction<GuestSample> of) {
        return numbers(runs.stream().mapToDouble(of));
    }

    /** Sorted, without what a run that did no I/O is divided by. */
    private static double[] numbers(DoubleStream of) {
        return of.filter(Double::isFinite).sorted().toArray();
    }

    private static double median(double[] sorted) {
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static String cell(Object value) {
        if (value instanceof Double number) {
            String format =
                    number == 0 ? "%.0f" : number < 1 ? "%.4f" : number < 100 ? "%.2f" : "%,.0f";
            return String.format(Locale.ROOT, format, number);
        }
        return value.toString();
    }
}
