package dev.airlock.cli;

import dev.airlock.lab.bench.Bench;
import dev.airlock.lab.bench.BenchRow;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code airlock bench}: what the path does on this machine, beside what the machine could do. */
@Command(
        name = "bench",
        description = {
            "Measure the path between two processes, isolated and not, on a null disk and a raw file on tmpfs,",
            "both ends on one thread, and the parts; each beside its aim and the yardsticks it is held against:",
            "this machine's memcpy, preadv, core-to-core hop, eventfd round trip, and fio, in the same minutes."
        },
        subcommands = {BenchMappingCommand.class, BenchNbdCommand.class, BenchGuestCommand.class},
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    private static final String NULL_DISK = "null:64G,shared";
    private static final String DISK_SIZE = "256M";
    private static final Path TMPFS = Path.of("/dev/shm");

    @Mixin private BenchOptions options = new BenchOptions();

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "length of one measurement; default: ${DEFAULT-VALUE}")
    private double seconds = 0.3;

    @Override
    public Integer call() throws Exception {
        options.checkRuns();
        if (!(seconds > 0 && seconds <= 3600)) {
            throw CommandFailure.usage("--seconds must be more than 0 and at most 3600");
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
        String raw = memory.file("bench.raw", DISK_SIZE);
        Path rawFile = memory.path("bench.raw");
        fill(rawFile);
        try (HostChild host = HostChild.start(socket, List.of(NULL_DISK, raw + ",shared"))) {
            host.awaitReady();
            Bench.Setting setting =
                    new Bench.Setting(socket, host.pid(), memory.path(""), rawFile, options.row());
            try (Bench bench = new Bench(setting)) {
                if (bench.steps(1) == 0) {
                    throw CommandFailure.usage("no row's name contains: " + options.row());
                }
                List<BenchRow> rows;
                try (BenchProgress progress =
                        BenchProgress.show(bench.steps(options.runs()), options.json())) {
                    rows = bench.run(options.runs(), (long) (seconds * 1e9), progress::step);
                }
                BenchReport report = new BenchReport(rows, bench.yardsticks());
                if (options.json()) {
                    Json.print(report.fields());
                } else {
                    System.out.print(report.render());
                }
            }
            return 0;
        }
    }

    /** Holes read faster than data: every block gets some. */
    private static void fill(Path file) throws IOException {
        ByteBuffer block = ByteBuffer.allocate(1 << 20);
        Arrays.fill(block.array(), (byte) 0xA5);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (long at = 0, size = channel.size(); at < size; at += block.capacity()) {
                channel.write(block.clear(), at);
            }
        }
    }
}
