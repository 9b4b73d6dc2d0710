package dev.airlock.cli;

import dev.airlock.lab.bench.BenchRow;
import dev.airlock.lab.bench.PathBench;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code airlock bench}: what the path does on this machine, beside what the machine could do. */
@Command(
        name = "bench",
        description = {
            "Measure the path between two processes, isolated and not, on a null disk and a raw file on tmpfs,",
            "beside this machine's memcpy, preadv, core-to-core hop and eventfd round trip in the same minutes."
        },
        subcommands = BenchMappingCommand.class,
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    private static final String DISK_SIZE = "256M";
    private static final Path TMPFS = Path.of("/dev/shm");

    @Option(
            names = "--runs",
            paramLabel = "N",
            description = "measurements of each row, interleaved; default: ${DEFAULT-VALUE}")
    private int runs = 5;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "length of one measurement; default: ${DEFAULT-VALUE}")
    private double seconds = 0.4;

    @Option(names = "--json", description = "print one JSON object instead of a table")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (runs < 1 || runs > 1000 || !(seconds > 0 && seconds <= 3600)) {
            throw CommandFailure.usage(
                    "--runs must be 1 to 1000, --seconds more than 0 and at most 3600");
        }
        if (!Files.isWritable(TMPFS)) {
            throw CommandFailure.usage("a tmpfs at " + TMPFS + " is needed for the raw disk");
        }
        // Ends with the process: a signal kills the measurement, the folders go, the host ends with
        // us.
        try (ScratchFolder scratch = ScratchFolder.create();
                ScratchFolder memory = ScratchFolder.createIn(TMPFS)) {
            Shutdown.onSignal(() -> {
                memory.close();
                scratch.close();
            });
            return measure(scratch.path("host.sock"), memory);
        }
    }

    private int measure(Path socket, ScratchFolder memory)
            throws IOException, InterruptedException {
        List<String> disks =
                List.of("null:64G,shared", memory.file("bench.raw", DISK_SIZE) + ",shared");
        try (HostChild host = HostChild.start(socket, disks)) {
            host.awaitReady();
            PathBench bench =
                    new PathBench(socket, host.pid(), List.of("null", "tmpfs"), memory.path(""));
            List<BenchRow> rows;
            try (BenchProgress progress = BenchProgress.show(bench.steps() * runs, json)) {
                rows = bench.run(runs, (long) (seconds * 1e9), progress::step);
            }
            if (json) {
                Json.print(
                        Map.of(
                                "rows",
                                rows.stream().map(BenchCommand::fields).toList(),
                                "yardsticks",
                                bench.yardsticks(),
                                "idle",
                                bench.idle()));
            } else {
                print(rows, bench);
            }
            return 0;
        }
    }

    private static Map<String, Object> fields(BenchRow row) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", row.name());
        fields.put("isolation", row.isolation());
        fields.put("unit", row.unit());
        fields.put("median", row.sample().median());
        fields.put("min", row.sample().min());
        fields.put("max", row.sample().max());
        fields.put("details", row.details());
        fields.put("yardsticks", row.yardsticks());
        return fields;
    }

    private static void print(List<BenchRow> rows, PathBench bench) {
        TextTable table =
                new TextTable(
                        "disk and load",
                        "isolated",
                        "median",
                        "min",
                        "max",
                        "unit",
                        "p50 µs",
                        "p99 µs",
                        "guest CPU µs/IO",
                        "host CPU µs/IO",
                        "signals/IO");
        for (BenchRow row : rows) {
            Map<String, Double> details = row.details();
            table.row(
                    row.name(),
                    row.isolation().equals("forced") ? "yes" : "no",
                    number(row.sample().median()),
                    number(row.sample().min()),
                    number(row.sample().max()),
                    row.unit(),
                    decimal(details, "latencyP50Us"),
                    decimal(details, "latencyP99Us"),
                    decimal(details, "guestCpuUsPerIo"),
                    decimal(details, "hostCpuUsPerIo"),
                    decimal(details, "signalsPerIo"));
        }
        System.out.print(table.render());
        System.out.println("this machine meanwhile: " + words(bench.yardsticks()));
        System.out.println("idle for 10 s afterwards: " + words(bench.idle()));
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
