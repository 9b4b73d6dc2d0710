package dev.airlock.cli;

import dev.airlock.disk.DiskSpec;
import dev.airlock.disk.DiskSpecException;
import dev.airlock.lab.workload.Baseline;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code airlock run}: the first thing anybody tries. */
@Command(
        name = "run",
        description = {
            "Do verified I/O from an isolated guest to a disk in a host process, and again from a guest that is not isolated;",
            "then tell what it cost. Without an IMAGE on a demo disk that is made and removed; an IMAGE is only read,",
            "and what is written goes to an overlay that is thrown away."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every byte was right",
            "1:a byte was wrong, or an I/O failed",
            "2:usage or environment: nothing was done"
        })
final class RunCommand implements Callable<Integer> {
    /** Which guests to run. */
    enum Isolation {
        both,
        forced,
        none
    }

    private static final String DEMO_SIZE = "256M";
    private static final int NO_LUN = -1;

    @Parameters(arity = "0..1", paramLabel = "IMAGE", description = "a disk, as for airlock host")
    private @Nullable String image;

    @Option(
            names = "--isolation",
            paramLabel = "both|forced|none",
            description = "which guests to run; default: ${DEFAULT-VALUE}")
    private Isolation isolation = Isolation.both;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "how long each guest runs; default: ${DEFAULT-VALUE}")
    private double seconds = 5;

    @Option(names = "--json", description = "print one JSON object instead of a table")
    private boolean json;

    @Option(
            names = "--host",
            paramLabel = "PATH",
            description =
                    "use the running host at this socket; only reads, unless --overwrite is given")
    private @Nullable Path host;

    @Option(
            names = "--overwrite",
            paramLabel = "LUN",
            description = "with --host: a disk whose contents may go")
    private int overwriteLun = NO_LUN;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "repeats the random choices of an earlier run")
    private @Nullable Long seed;

    private volatile @Nullable GuestRun running;
    private volatile boolean ended;

    @Override
    public Integer call() throws Exception {
        check();
        CountDownLatch cleaned = new CountDownLatch(1);
        Shutdown.onSignal(() -> endEarly(cleaned));
        long chosenSeed = seed != null ? seed : System.nanoTime();
        RunReport report = new RunReport(chosenSeed);
        try {
            Path attached = host;
            if (attached != null) {
                runAttached(attached, chosenSeed, report);
            } else {
                runOwnHost(chosenSeed, report);
            }
            if (json) {
                Json.print(report.fields());
            } else {
                System.out.print(report.render());
            }
            System.out.flush();
            for (String failure : report.failures()) {
                System.err.println("airlock: " + failure);
            }
        } finally {
            cleaned.countDown();
        }
        return report.isGood() ? 0 : Main.EXIT_FAILED;
    }

    private void check() {
        if (!(seconds > 0 && seconds <= 86_400)) {
            throw CommandFailure.usage("--seconds must be more than 0 and at most 86400");
        }
        if (host != null && image != null) {
            throw CommandFailure.usage(
                    "give an IMAGE or --host, not both: a running host has its own disks");
        }
        if (overwriteLun != NO_LUN && host == null) {
            throw CommandFailure.usage(
                    "--overwrite goes with --host; an IMAGE is never written, its overlay is");
        }
    }

    /** A signal: what runs is stopped, its figures are still printed, nothing is left behind. */
    private void endEarly(CountDownLatch cleaned) {
        ended = true;
        GuestRun current = running;
        if (current != null) {
            current.stop();
        }
        try {
            cleaned.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private List<Boolean> modes() {
        return switch (isolation) {
            case both -> List.of(true, false);
            case forced -> List.of(true);
            case none -> List.of(false);
        };
    }

    private void runOwnHost(long chosenSeed, RunReport report)
            throws IOException, InterruptedException {
        DiskSpec spec = image == null ? null : parse(image);
        try (ScratchFolder scratch = ScratchFolder.create();
                FileChannel truth = spec == null || spec.path() == null ? null : open(spec)) {
            Path socket = scratch.path("host.sock");
            try (HostChild child = HostChild.start(socket, disks(scratch))) {
                Baseline baseline = truth == null ? Baseline.ZEROES : Baseline.ofRawImage(truth);
                int lun = 0;
                for (boolean isolated : modes()) {
                    // The first guest gets ready while the host does.
                    try (GuestRun.Prepared guest = GuestRun.prepare(isolated)) {
                        child.awaitReady();
                        report.hostStarted(child.pid());
                        runMode(
                                guest,
                                new GuestRun.Target(socket, lun++, false, baseline),
                                chosenSeed,
                                report);
                    }
                    if (!child.isAlive()) {
                        report.fail("the host process ended with exit code " + child.exitCode());
                        child.lastLines().forEach(report::fail);
                        return;
                    }
                }
            }
        }
    }

    private void runAttached(Path socket, long chosenSeed, RunReport report)
            throws InterruptedException {
        boolean readOnly = overwriteLun == NO_LUN;
        int lun = readOnly ? GuestRun.FIRST_LUN : overwriteLun;
        GuestRun.Target target = new GuestRun.Target(socket, lun, readOnly, Baseline.FIRST_READ);
        for (boolean isolated : modes()) {
            try (GuestRun.Prepared guest = GuestRun.prepare(isolated)) {
                runMode(guest, target, chosenSeed, report);
            }
        }
    }

    private void runMode(
            GuestRun.Prepared guest, GuestRun.Target target, long chosenSeed, RunReport report)
            throws InterruptedException {
        if (ended) {
            return;
        }
        try (GuestRun run = GuestRun.attach(guest, target, chosenSeed)) {
            running = run;
            if (ended) {
                run.stop();
            }
            try (RunProgress progress = RunProgress.show(run, seconds, json)) {
                report.add(run.run(seconds));
            }
        } finally {
            running = null;
        }
    }

    /** One disk for each guest, so that each begins with contents that are known. */
    private List<String> disks(ScratchFolder scratch) throws IOException {
        List<String> disks = new ArrayList<>();
        for (boolean isolated : modes()) {
            String name = isolated ? "run-forced" : "run-none";
            if (image == null) {
                disks.add(scratch.file(name + ".raw", DEMO_SIZE) + ",name=" + name);
            } else {
                disks.add(overlay(parse(image), name).toString());
            }
        }
        return disks;
    }

    /**
     * The image under another name, with its changes thrown away, unless it is read-only anyway.
     */
    private static DiskSpec overlay(DiskSpec image, String name) {
        Path path = image.path();
        return new DiskSpec(
                image.source(),
                name,
                path == null ? null : path.toAbsolutePath(),
                image.sizeBytes(),
                image.sectorBytes(),
                image.readOnly(),
                image.direct(),
                image.source().isFile() && !image.readOnly(),
                image.shared());
    }

    private static DiskSpec parse(String text) {
        try {
            DiskSpec spec = DiskSpec.parse(text);
            if (spec.source() == DiskSpec.Source.NULL) {
                throw CommandFailure.usage("a null disk holds nothing that could be verified");
            }
            return spec;
        } catch (DiskSpecException e) {
            throw CommandFailure.usage(e.getMessage());
        }
    }

    private static FileChannel open(DiskSpec spec) {
        Path path = java.util.Objects.requireNonNull(spec.path());
        try {
            return FileChannel.open(path, StandardOpenOption.READ);
        } catch (IOException e) {
            throw CommandFailure.usage("cannot read the image: " + e);
        }
    }
}
