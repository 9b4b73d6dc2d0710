package dev.airlock.cli;

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
    private static final int IMAGE_MIB = 256;
    private static final long PATIENCE_SECONDS = 60;

    /**
     * One measurement.
     *
     * @param p50Micros latency; 0 for copies
     * @param serverCpuMicros for each operation; a copy counts one for each MiB
     */
    record Sample(
            double mbPerSecond,
            double p50Micros,
            double p99Micros,
            double serverCpuMicros,
            double clientCpuMicros) {}

    private final String name;
    private final List<String> command;
    private final boolean isFio;

    private NbdLoad(String name, List<String> command, boolean isFio) {
        this.name = name;
        this.command = command;
        this.isFio = isFio;
    }

    /** Every load there is. */
    static List<NbdLoad> all(int seconds, ScratchFolder folder) {
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
                                        "--size=" + IMAGE_MIB + "m",
                                        "--time_based",
                                        "--runtime=" + seconds,
                                        "--randrepeat=0",
                                        "--output-format=json",
                                        "--uri"),
                                true));
            }
        }
        if (isInstalled("nbdcopy")) {
            String file = folder.path("copy.img").toString();
            loads.add(new NbdLoad("nbdcopy out", List.of("nbdcopy", "URI", file), false));
            loads.add(new NbdLoad("nbdcopy in", List.of("nbdcopy", file, "URI"), false));
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
        if (isFio) {
            line.set(line.size() - 1, "--uri=" + peer.uri());
        } else {
            line.replaceAll(word -> word.equals("URI") ? peer.uri() : word);
        }
        long serverBefore = peer.cpuNanos();
        long start = System.nanoTime();
        Process client =
                new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String said = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!client.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || client.exitValue() != 0) {
            client.destroyForcibly();
            throw CommandFailure.failed(name + " failed on " + peer.name());
        }
        long nanos = System.nanoTime() - start;
        double server = (peer.cpuNanos() - serverBefore) / 1e3;
        return isFio ? fio(said, server) : copy(nanos, server);
    }

    private static Sample fio(String said, double serverCpuMicros) {
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
                clientShare * job.get("job_runtime").asDouble() * 1e3 / operations);
    }

    private static Sample copy(long nanos, double serverCpuMicros) {
        double megabytes = IMAGE_MIB * (double) (1 << 20) / 1e6;
        return new Sample(megabytes / (nanos / 1e9), 0, 0, serverCpuMicros / IMAGE_MIB, 0);
    }
}
