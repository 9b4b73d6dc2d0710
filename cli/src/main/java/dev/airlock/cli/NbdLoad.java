package dev.airlock.cli;

import dev.airlock.lab.bench.Yardsticks;
import dev.airlock.linux.Usage;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a client does to an NBD server for one measurement: fio's nbd engine, or nbdcopy. */
final class NbdLoad {
    private static final long PATIENCE_SECONDS = 60;

    /**
     * One measurement.
     *
     * @param mbPerSecond of a copy, the whole disk's bytes, holes included
     * @param p50Micros latency; 0 for copies
     * @param serverCpuMicros for each operation; a copy counts one for each MiB of the disk
     * @param othersPercent what everybody else on the machine took meanwhile, percent of a core
     */
    record Sample(
            double mbPerSecond,
            double p50Micros,
            double p99Micros,
            double serverCpuMicros,
            double clientCpuMicros,
            double othersPercent) {}

    private final String name;
    private final List<String> command;

    /** MiB that a copy moves; 0 for fio. */
    private final int copiedMib;

    private NbdLoad(String name, List<String> command, int copiedMib) {
        this.name = name;
        this.command = command;
        this.copiedMib = copiedMib;
    }

    /** Every load there is. */
    static List<NbdLoad> all(int seconds, NbdImages images, ScratchFolder folder) {
        List<NbdLoad> loads = new ArrayList<>();
        for (String size : List.of("4k QD1", "4k QD32", "128k QD8", "1m QD8")) {
            String[] words = size.split(" QD");
            for (String way : List.of("read", "write")) {
                loads.add(
                        new NbdLoad(
                                way + " " + size,
                                List.of(
                                        "fio",
                                        "--name=x",
                                        "--ioengine=nbd",
                                        "--rw=rand" + way,
                                        "--bs=" + words[0],
                                        "--iodepth=" + words[1],
                                        "--size=" + NbdImages.FULL_MIB + "m",
                                        "--time_based",
                                        "--runtime=" + seconds,
                                        "--randrepeat=0",
                                        "--output-format=json",
                                        "--uri"),
                                0));
            }
        }
        if (isInstalled("nbdcopy")) {
            String out = folder.path("copy.img").toString();
            int full = NbdImages.FULL_MIB;
            String in = images.full().toString();
            loads.add(new NbdLoad("nbdcopy out", List.of("nbdcopy", "URI", out), full));
            loads.add(new NbdLoad("nbdcopy in", List.of("nbdcopy", in, "URI"), full));
            String sparseOut = folder.path("sparse-copy.img").toString();
            int sparse = NbdImages.SPARSE_MIB;
            String sparseIn = images.sparse().toString();
            loads.add(
                    new NbdLoad(
                            "sparse copy out", List.of("nbdcopy", "SPARSE", sparseOut), sparse));
            loads.add(
                    new NbdLoad("sparse copy in", List.of("nbdcopy", sparseIn, "SPARSE"), sparse));
        }
        return loads;
    }

    static boolean isInstalled(String program) {
        for (String place : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
            if (!place.isEmpty() && Files.isExecutable(Path.of(place, program))) {
                return true;
            }
        }
        return false;
    }

    String name() {
        return name;
    }

    /** Runs it once against a server. */
    Sample run(NbdPeer peer) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(command);
        line.replaceAll(word ->
                switch (word) {
                    case "--uri" -> "--uri=" + peer.uri();
                    case "URI" -> peer.uri();
                    case "SPARSE" -> peer.sparseUri();
                    default -> word;
                });
        long serverBefore = peer.cpuNanos();
        long clientBefore = Usage.childrenCpuNanos();
        long busyBefore = Yardsticks.busyNanos();
        long start = System.nanoTime();
        Process client =
                new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String said = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!client.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || client.exitValue() != 0) {
            client.destroyForcibly();
            throw CommandFailure.failed(name + " failed on " + peer.name());
        }
        double nanos = System.nanoTime() - start;
        long busy = Yardsticks.busyNanos() - busyBefore;
        long server = peer.cpuNanos() - serverBefore;
        long clients = Usage.childrenCpuNanos() - clientBefore;
        double others = Math.max(0, (busy - server - clients) * 100 / nanos);
        if (copiedMib == 0) {
            return fio(said, server / 1e3, others);
        }
        double megabytes = copiedMib * (double) (1 << 20) / 1e6;
        return new Sample(
                megabytes / (nanos / 1e9),
                0,
                0,
                server / 1e3 / copiedMib,
                clients / 1e3 / copiedMib,
                others);
    }

    private static Sample fio(String said, double serverCpuMicros, double othersPercent) {
        JsonNode job =
                JsonMapper.shared().readTree(said.substring(said.indexOf('{'))).get("jobs").get(0);
        JsonNode side =
                job.get("read").get("total_ios").asLong() > 0 ? job.get("read") : job.get("write");
        double operations = Math.max(1, side.get("total_ios").asLong());
        JsonNode percentiles = side.get("clat_ns").get("percentile");
        double clientShare = (job.get("usr_cpu").asDouble() + job.get("sys_cpu").asDouble()) / 100;
        return new Sample(
                side.get("bw_bytes").asDouble() / 1e6,
                percentiles.get("50.000000").asDouble() / 1e3,
                percentiles.get("99.000000").asDouble() / 1e3,
                serverCpuMicros / operations,
                clientShare * job.get("job_runtime").asDouble() * 1e3 / operations,
                othersPercent);
    }
}
