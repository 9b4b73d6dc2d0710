package dev.airlock.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code airlock bench nbd}: the NBD server beside the ones that people use. */
@Command(
        name = "nbd",
        description = {
            "Compare airlock export with qemu-nbd and nbdkit, those of them that are installed, on copies of one image on"
                    + " tmpfs:",
            "fio's nbd engine and nbdcopy against each in turn, so that drift is shared. Ratios are to nbdkit's file"
                    + " plugin;",
            "CPU is for each operation, of the server (guest and host together) and of the client."
        },
        mixinStandardHelpOptions = true)
final class BenchNbdCommand implements Callable<Integer> {
    private static final Path TMPFS = Path.of("/dev/shm");
    private static final int IMAGE_MIB = 256;
    private static final String BASELINE = "nbdkit-file";

    @Option(
            names = "--runs",
            paramLabel = "N",
            description = "measurements of each row, interleaved; default: ${DEFAULT-VALUE}")
    private int runs = 5;

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

    @Option(names = "--row", paramLabel = "REGEX", description = "only rows that contain this")
    private String row = "";

    @Option(names = "--json", description = "print one JSON object instead of a table")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (runs < 1 || runs > 1000 || seconds < 1 || seconds > 3600) {
            throw CommandFailure.usage("--runs must be 1 to 1000, --seconds 1 to 3600");
        }
        if (!NbdLoad.isInstalled("fio") || !NbdLoad.isInstalled("nbdinfo")) {
            throw CommandFailure.usage("fio and libnbd-bin are needed as clients");
        }
        try (ScratchFolder memory = ScratchFolder.createIn(TMPFS)) {
            Shutdown.onSignal(memory::close);
            Path image = memory.path("bench.img");
            fill(image);
            List<NbdPeer> peers = new ArrayList<>();
            try {
                for (NbdPeer peer : NbdPeer.installed(memory)) {
                    if (peer.name().matches(".*(" + server + ").*")
                            || peer.name().equals(BASELINE)) {
                        Files.copy(image, peer.image(memory));
                        peers.add(peer.start());
                    }
                }
                report(peers, measure(peers, memory));
            } finally {
                peers.forEach(NbdPeer::close);
            }
        }
        return 0;
    }

    private static void fill(Path image) throws Exception {
        byte[] mebibyte = new byte[1 << 20];
        Random random = new Random(1);
        try (var out = Files.newOutputStream(image)) {
            for (int i = 0; i < IMAGE_MIB; i++) {
                random.nextBytes(mebibyte);
                out.write(mebibyte);
            }
        }
    }

    /** Samples by row and server. */
    private Map<String, Map<String, List<NbdLoad.Sample>>> measure(
            List<NbdPeer> peers, ScratchFolder memory) throws Exception {
        Map<String, Map<String, List<NbdLoad.Sample>>> all = new LinkedHashMap<>();
        List<NbdLoad> loads =
                NbdLoad.all(seconds, memory).stream()
                        .filter(load -> load.name().matches(".*(" + row + ").*"))
                        .toList();
        // Once for nothing: compilers, caches, page tables.
        for (NbdLoad load : loads) {
            for (NbdPeer peer : peers) {
                load.run(peer);
            }
        }
        for (int run = 0; run < runs; run++) {
            for (NbdLoad load : loads) {
                for (NbdPeer peer : peers) {
                    all.computeIfAbsent(load.name(), name -> new LinkedHashMap<>())
                            .computeIfAbsent(peer.name(), name -> new ArrayList<>())
                            .add(load.run(peer));
                }
            }
        }
        return all;
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
        if (json) {
            Json.print(Map.of("rows", rows, "servers", peers.stream().map(NbdPeer::line).toList()));
        } else {
            System.out.print(table.render());
            peers.forEach(peer -> System.out.println(peer.name() + ": " + peer.line()));
        }
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
