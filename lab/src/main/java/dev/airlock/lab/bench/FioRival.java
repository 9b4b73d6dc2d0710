package dev.airlock.lab.bench;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Usage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * {@code fio} with io_uring on the file of a disk, without any path: same block size, queue depth
 * and direction, random places. One job; the kernel may add workers of its own, so the processors
 * that fio's process used are told as well.
 */
final class FioRival implements PathCase.Rival {
    /** Terse output, version 3: fields of the total of reads and of writes. */
    private static final int READ_IOPS_FIELD = 7;

    private static final int WRITE_IOPS_FIELD = 48;
    private static final long SAMPLE_MS = 100;

    private final Path file;
    private final Load load;
    private String note = "";

    FioRival(Path file, Load load) {
        this.file = file;
        this.load = load;
    }

    @Override
    public String note() {
        return note;
    }

    @Override
    public Map<String, Double> measure(long nanos) throws IOException, InterruptedException {
        if (!note.isEmpty()) {
            return Map.of();
        }
        long runMs = Math.max(400, TimeUnit.NANOSECONDS.toMillis(nanos));
        Process fio;
        try {
            fio = new ProcessBuilder(command(runMs)).redirectErrorStream(true).start();
        } catch (IOException absent) {
            note = "fio is not installed (Debian package fio)";
            return Map.of();
        }
        double processors = processors(fio);
        String output = new String(fio.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (fio.waitFor() != 0) {
            note = "fio failed: " + output.lines().findFirst().orElse("no output");
            return Map.of();
        }
        double iops = iops(output);
        return Map.of("fioIops", iops, "fioProcessors", processors);
    }

    private List<String> command(long runMs) {
        return List.of(
                "fio",
                "--name=airlock",
                "--filename=" + file.toString().replace(":", "\\:"),
                "--rw=" + (load.write() ? "randwrite" : "randread"),
                "--bs=" + load.blockBytes(),
                "--iodepth=" + load.queueDepth(),
                "--ioengine=io_uring",
                "--norandommap",
                "--randrepeat=0",
                "--thread",
                "--time_based",
                "--runtime=" + runMs + "ms",
                "--output-format=terse",
                "--terse-version=3");
    }

    /** Processors used while it ran: the most over any tenth of a second. */
    private static double processors(Process fio) throws InterruptedException {
        double most = 0;
        try {
            long cpu = Usage.cpuNanos(fio.pid());
            long at = System.nanoTime();
            while (!fio.waitFor(SAMPLE_MS, TimeUnit.MILLISECONDS)) {
                long cpuNow = Usage.cpuNanos(fio.pid());
                long now = System.nanoTime();
                most = Math.max(most, (cpuNow - cpu) / (double) (now - at));
                cpu = cpuNow;
                at = now;
            }
        } catch (LinuxException ended) {
            // Between the two looks; what was seen before counts.
        }
        return most;
    }

    private double iops(String output) throws IOException {
        String line = output.lines().filter(l -> l.startsWith("3;")).findFirst().orElse("");
        String[] fields = line.split(";");
        int at = load.write() ? WRITE_IOPS_FIELD : READ_IOPS_FIELD;
        if (fields.length <= at) {
            throw new IOException("fio said something else than terse output: " + output.strip());
        }
        return Double.parseDouble(fields[at]);
    }
}
