package dev.airlock.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code airlock bench nbd}: the NBD server beside the ones that people use. */
@Command(
        name = "nbd",
        description = {
            "Compare airlock export with qemu-nbd and nbdkit, those of them that are installed, on copies of one image on"
                    + " tmpfs:",
            "fio's nbd engine and nbdcopy against each in turn, so that drift is shared. Ratios are to nbdkit's file"
                    + " plugin;",
            "CPU is for each operation, or MiB copied, of the server (guest and host together) and of the client."
        },
        mixinStandardHelpOptions = true)
final class BenchNbdCommand implements Callable<Integer> {
    private static final Path TMPFS = Path.of("/dev/shm");
    private static final int TRIES_MAX = 20;
    private static final int WARM_UPS = 2;
    private static final String BASELINE = "nbdkit-file";

    @Mixin private BenchOptions options = new BenchOptions();

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "length of one measurement; default: ${DEFAULT-VALUE}")
    private int seconds = 2;

    @Option(
            names = "--server",
            paramLabel = "REGEX",
            description = "only servers whose name contains this; the baseline always runs")
    private String server = "";

    @Option(
            names = "--others-max",
            paramLabel = "PERCENT",
            description =
                    "measure a row's round again, up to "
                            + TRIES_MAX
                            + " times, when other programs took more of a core meanwhile; default: never")
    private double othersMax = Double.MAX_VALUE;

    @Override
    public Integer call() throws Exception {
        options.checkRuns();
        if (seconds < 1 || seconds > 3600) {
            throw CommandFailure.usage("--seconds must be 1 to 3600");
        }
        if (!NbdLoad.isInstalled("fio") || !NbdLoad.isInstalled("nbdinfo")) {
            throw CommandFailure.usage("fio and libnbd-bin are needed as clients");
        }
        try (ScratchFolder memory = ScratchFolder.createIn(TMPFS)) {
            Shutdown.onSignal(memory::close);
            NbdImages images = NbdImages.fill(memory);
            List<NbdPeer> peers = new ArrayList<>();
            try {
                for (NbdPeer peer : NbdPeer.installed(memory)) {
                    if (peer.name().matches(".*(" + server + ").*")
                            || peer.name().equals(BASELINE)) {
                        peer.prepare(images);
                        peers.add(peer.start());
                    }
                }
                report(peers, measure(peers, images, memory));
            } finally {
                peers.forEach(NbdPeer::close);
            }
        }
        return 0;
    }

    /** Samples by row and server. */
    private Map<String, Map<String, List<NbdLoad.Sample>>> measure(
            List<NbdPeer> peers, NbdImages images, ScratchFolder memory) throws Exception {
        Map<String, Map<String, List<NbdLoad.Sample>>> all = new LinkedHashMap<>();
        List<NbdLoad> loads =
                NbdLoad.all(seconds, images, memory).stream()
                        .filter(load -> load.name().matches(".*(" + options.row() + ").*"))
                        .toList();
        if (loads.isEmpty()) {
            throw CommandFailure.usage("no row's name contains: " + options.row());
        }
        try (BenchProgress progress =
                BenchProgress.show(loads.size() * (WARM_UPS + options.runs()), options.json())) {
            // For nothing: compilers, caches, page tables.
            for (int warm = 0; warm < WARM_UPS; warm++) {
                for (NbdLoad load : loads) {
                    progress.step("warm-up, " + load.name());
                    round(load, peers);
                }
            }
            for (int run = 0; run < options.runs(); run++) {
                for (NbdLoad load : loads) {
                    progress.step(load.name());
                    List<NbdLoad.Sample> samples = undisturbedRound(load, peers);
                    for (int i = 0; i < peers.size(); i++) {
                        all.computeIfAbsent(load.name(), name -> new LinkedHashMap<>())
                                .computeIfAbsent(peers.get(i).name(), name -> new ArrayList<>())
                                .add(samples.get(i));
                    }
                }
            }
        }
        return all;
    }

    private List<NbdLoad.Sample> undisturbedRound(NbdLoad load, List<NbdPeer> peers)
            throws Exception {
        List<NbdLoad.Sample> samples = round(load, peers);
        for (int i = 1; i < TRIES_MAX && others(samples) > othersMax; i++) {
            samples = round(load, peers);
        }
        return samples;
    }

    private static List<NbdLoad.Sample> round(NbdLoad load, List<NbdPeer> peers) throws Exception {
        List<NbdLoad.Sample> samples = new ArrayList<>();
        for (NbdPeer peer : peers) {
            samples.add(load.run(peer));
        }
        return samples;
    }

    /** The most that others took during one of the samples. */
    private static double others(List<NbdLoad.Sample> samples) {
        return samples.stream().mapToDouble(NbdLoad.Sample::othersPercent).max().orElse(0);
    }

    private void report(List<NbdPeer> peers, Map<String, Map<String, List<NbdLoad.Sample>>> all) {
        List<Map<String, Object>> rows = new ArrayList<>();
        TextTable table =
                new TextTable(
                        "load",
                        "server",
                        "MB/s",
                        "min",
                        "max",
                        "p50 µs",
                        "p99 µs",
                        "server CPU µs/op",
                        "client CPU µs/op",
                        "x " + BASELINE,
                        "min",
                        "max");
        all.forEach((load, byServer) -> {
            List<NbdLoad.Sample> base = byServer.getOrDefault(BASELINE, List.of());
            byServer.forEach((name, samples) -> {
                Map<String, Object> fields = fields(load, name, samples, base);
                rows.add(fields);
                table.row(
                        fields.values().stream().map(BenchNbdCommand::cell).toArray(String[]::new));
            });
        });
        if (options.json()) {
            Json.print(Map.of("rows", rows, "servers", peers.stream().map(NbdPeer::line).toList()));
        } else {
            System.out.print(table.render());
            peers.forEach(peer -> System.out.println(peer.name() + ": " + peer.line()));
            System.out.println(
                    "other programs meanwhile, percent of a core: " + othersOf(all.values()));
        }
    }

    private static String othersOf(Collection<Map<String, List<NbdLoad.Sample>>> byServer) {
        double[] shares =
                byServer.stream()
                        .flatMap(samples -> samples.values().stream())
                        .flatMap(List::stream)
                        .mapToDouble(NbdLoad.Sample::othersPercent)
                        .sorted()
                        .toArray();
        double most = shares[shares.length - 1];
        return "median " + cell(shares[shares.length / 2]) + ", most " + cell(most);
    }

    private static Map<String, Object> fields(
            String load, String name, List<NbdLoad.Sample> samples, List<NbdLoad.Sample> base) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("load", load);
        fields.put("server", name);
        fields.put("mbPerSecond", median(samples, NbdLoad.Sample::mbPerSecond));
        fields.put("mbPerSecondMin", extreme(samples, 0));
        fields.put("mbPerSecondMax", extreme(samples, samples.size() - 1));
        fields.put("p50us", median(samples, NbdLoad.Sample::p50Micros));
        fields.put("p99us", median(samples, NbdLoad.Sample::p99Micros));
        fields.put("serverCpuUsPerOp", median(samples, NbdLoad.Sample::serverCpuMicros));
        fields.put("clientCpuUsPerOp", median(samples, NbdLoad.Sample::clientCpuMicros));
        // Each run against the baseline's of the same round.
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < Math.min(samples.size(), base.size()); i++) {
            ratios.add(samples.get(i).mbPerSecond() / base.get(i).mbPerSecond());
        }
        ratios.sort(null);
        fields.put("ratio", ratios.isEmpty() ? Double.NaN : ratios.get(ratios.size() / 2));
        fields.put("ratioMin", ratios.isEmpty() ? Double.NaN : ratios.getFirst());
        fields.put("ratioMax", ratios.isEmpty() ? Double.NaN : ratios.getLast());
        return fields;
    }

    private static double median(
            List<NbdLoad.Sample> samples, java.util.function.ToDoubleFunction<NbdLoad.Sample> of) {
        return samples.stream().mapToDouble(of).sorted().toArray()[samples.size() / 2];
    }

    private static double extreme(List<NbdLoad.Sample> samples, int which) {
        return samples.stream().mapToDouble(NbdLoad.Sample::mbPerSecond).sorted().toArray()[which];
    }

    private static String cell(Object value) {
        if (value instanceof Double number) {
            return String.format(Locale.ROOT, number < 100 ? "%,.2f" : "%,.0f", number);
        }
        return value.toString();
    }
}
