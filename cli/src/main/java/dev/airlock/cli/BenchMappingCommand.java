package dev.airlock.cli;

import dev.airlock.lab.mapping.CsvReport;
import dev.airlock.lab.mapping.HtmlReport;
import dev.airlock.lab.mapping.LabOptions;
import dev.airlock.lab.mapping.Machine;
import dev.airlock.lab.mapping.MappingLab;
import dev.airlock.lab.mapping.MappingReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code airlock bench mapping}: what mapping costs. */
@Command(
        name = "mapping",
        description = {
            "Compare two ways for storvsc to map an I/O: dma_map_page for each 4 KiB page with an"
                    + " array for",
            "each I/O, as the 2021 patch did, and dma_map_sg for the whole list, as upstream does."
                    + " Both run",
            "through the whole path, guest process to host process, isolated and not.",
            "Takes about a minute; prints tables and what they say to that patch's review."
        },
        mixinStandardHelpOptions = true)
final class BenchMappingCommand implements Callable<Integer> {
    private static final String STANDARD_OUTPUT = "-";

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "measurements of each figure, interleaved; default: 5, with --quick 1")
    private @Nullable Integer rounds;

    @Option(
            names = "--quick",
            description =
                    "everything once and shortly, in seconds: to see the form, not the figures")
    private boolean quick;

    @Option(names = "--write", description = "measure writes; default: reads")
    private boolean write;

    @Option(names = "--json", description = "print one JSON object instead of tables")
    private boolean json;

    @Option(
            names = "--csv",
            paramLabel = "FILE",
            description = "write every figure as CSV to FILE; - prints it instead of tables")
    private @Nullable String csv;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "write one page with answers, charts and all figures to FILE")
    private @Nullable String html;

    @Override
    public Integer call() throws Exception {
        LabOptions options = options();
        boolean csvPrinted = STANDARD_OUTPUT.equals(csv);
        if (json && csvPrinted) {
            throw CommandFailure.usage("--json and --csv - both want stdout; give --csv a file");
        }
        Path csvFile = csv == null || csvPrinted ? null : writable("--csv", csv);
        Path htmlFile = html == null ? null : writable("--html", html);
        MappingReport report = measure(options);
        if (htmlFile != null) {
            Files.writeString(htmlFile, HtmlReport.of(report));
        }
        if (csvFile != null) {
            Files.writeString(csvFile, CsvReport.of(report));
        }
        if (json) {
            Json.print(MappingJson.of(report));
        } else if (csvPrinted) {
            System.out.print(CsvReport.of(report));
        } else {
            System.out.print(MappingText.of(report));
        }
        return 0;
    }

    private LabOptions options() {
        LabOptions options = quick ? LabOptions.quick() : LabOptions.standard(5);
        Integer wanted = rounds;
        if (wanted != null) {
            if (wanted < 1 || wanted > 1000) {
                throw CommandFailure.usage("--rounds must be 1 to 1000");
            }
            options = options.withRounds(wanted);
        }
        return options.withWrites(write);
    }

    /** The file can be written: to be known before minutes are spent. */
    private static Path writable(String option, String name) {
        Path file = Path.of(name);
        Path folder = file.toAbsolutePath().getParent();
        boolean possible =
                Files.exists(file)
                        ? Files.isRegularFile(file) && Files.isWritable(file)
                        : folder != null && Files.isDirectory(folder) && Files.isWritable(folder);
        if (!possible) {
            throw CommandFailure.usage(option + ": cannot write " + file);
        }
        return file;
    }

    private MappingReport measure(LabOptions options) throws IOException, InterruptedException {
        // A signal ends the process, the folder goes, and the host ends with us.
        try (ScratchFolder scratch = ScratchFolder.create()) {
            Shutdown.onSignal(scratch::close);
            Path socket = scratch.path("host.sock");
            List<String> disks = List.of("null:64G,shared", "mem:64M,shared");
            try (ProcessorHost host = ProcessorHost.start(socket, disks, options.pinned())) {
                host.awaitReady();
                MappingLab lab = new MappingLab(socket, options);
                try (BenchProgress progress =
                        BenchProgress.show(lab.steps(), json || STANDARD_OUTPUT.equals(csv))) {
                    return lab.run(machine(), how(options), progress::step);
                }
            }
        }
    }

    private static Map<String, String> machine() {
        String home = System.getProperty("airlock.home");
        return Machine.describe(
                new Main.Version().getVersion()[0].replaceFirst(" \\(.*", ""),
                home == null ? null : Path.of(home));
    }

    private Map<String, String> how(LabOptions options) {
        Map<String, String> how = new LinkedHashMap<>();
        how.put("date", java.time.LocalDate.now(java.time.ZoneOffset.UTC).toString());
        how.put(
                "host",
                "a process of its own"
                        + (options.pinned()
                                ? " on the last processor, guests' channels on the first"
                                : "")
                        + "; disks null:64G and mem:64M");
        how.put("direction", write ? "write" : "read");
        how.put("rounds", Integer.toString(options.rounds()));
        how.put(
                "repeat",
                "./airlock bench mapping"
                        + (quick ? " --quick" : "")
                        + (rounds == null ? "" : " --rounds " + rounds)
                        + (write ? " --write" : "")
                        + " --html mapping.html");
        return how;
    }
}
