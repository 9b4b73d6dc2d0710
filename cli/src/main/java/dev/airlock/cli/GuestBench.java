package dev.airlock.cli;

import dev.airlock.linux.Kvm;
import dev.airlock.linux.UnixSocket;
import dev.airlock.nest.BenchGuest;
import dev.airlock.vmm.Machine;
import dev.airlock.vmm.MachineOptions;
import dev.airlock.vmm.Outcome;
import dev.airlock.vmm.boot.BootException;
import dev.airlock.vmm.boot.BzImage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Boots a {@link BenchGuest} again and again, isolated and not in turn, on a memory disk of one
 * host process, and collects what its jobs did. For one thread; {@link #stop} from any.
 */
final class GuestBench implements AutoCloseable {
    /** Small enough to be filled in moments, larger than any cache of the guest's. */
    private static final String DISK = "mem:64M";

    private static final long MEMORY_BYTES = 768L << 20;
    private static final int PROCESSORS = 1;
    private static final long CONNECT_MS = 10_000;

    /** What a boot and fio's starts may take where processors are emulated. */
    private static final long START_MS = 600_000;

    private final Kvm kvm;
    private final boolean xsave;
    private final BzImage kernel;
    private final MemorySegment initramfs;
    private final int seconds;
    private final Path socket;
    private final HostChild host;
    private volatile @Nullable Machine machine;
    private volatile boolean stopped;

    /**
     * Starts the host process.
     *
     * @param xsave whether guests may have it
     * @param seconds of each job
     * @param socket where the host shall listen
     */
    GuestBench(Kvm kvm, boolean xsave, BenchGuest guest, int seconds, Path socket)
            throws IOException, BootException {
        this.kvm = kvm;
        this.xsave = xsave;
        this.kernel = BzImage.parse(BootCommand.map(guest.kernel()));
        this.initramfs = BootCommand.map(guest.initramfs());
        this.seconds = seconds;
        this.socket = socket;
        this.host = HostChild.start(socket, List.of(DISK));
    }

    /** Samples by job and mode, both in the order to be shown; each mode as many. */
    Map<String, Map<Mode, List<GuestSample>>> run(int runs)
            throws IOException, BootException, InterruptedException {
        host.awaitReady();
        Map<String, Map<Mode, List<GuestSample>>> all = new LinkedHashMap<>();
        for (int run = 0; run < runs; run++) {
            // The first boot of a round finds other caches than the second: they take turns.
            List<Mode> modes = List.of(Mode.values());
            for (Mode mode : run % 2 == 0 ? modes : modes.reversed()) {
                System.err.printf("airlock: run %d of %d, %s%n", run + 1, runs, mode.words());
                boot(mode)
                        .forEach((job, sample) ->
                                all.computeIfAbsent(job, _ -> new EnumMap<>(Mode.class))
                                        .computeIfAbsent(mode, _ -> new ArrayList<>())
                                        .add(sample));
            }
        }
        return all;
    }

    private Map<String, GuestSample> boot(Mode mode)
            throws IOException, BootException, InterruptedException {
        MachineOptions options =
                new MachineOptions(
                        kernel,
                        initramfs,
                        BenchGuest.commandLine(seconds),
                        PROCESSORS,
                        MEMORY_BYTES,
                        xsave,
                        mode == Mode.ISOLATED);
        GuestBenchConsole console = new GuestBenchConsole(this::counts);
        try (Machine made = Machine.create(kvm, options, console)) {
            made.connect(UnixSocket.connect(socket, CONNECT_MS));
            machine = made;
            if (stopped) {
                made.stop();
            }
            Outcome outcome = made.run(START_MS + 1000L * seconds * BenchGuest.JOBS.size());
            if (outcome.kind() != Outcome.Kind.POWER_OFF) {
                throw CommandFailure.failed(
                        "the guest, %s, ended by %s: %s; it said last: %s"
                                .formatted(
                                        mode.words(),
                                        outcome.kind(),
                                        outcome.detail(),
                                        console.lastWords()));
            }
            Map<String, GuestSample> samples = new LinkedHashMap<>();
            for (BenchGuest.Job job : BenchGuest.JOBS) {
                samples.put(job.name(), console.sample(job));
            }
            return samples;
        } catch (IllegalArgumentException e) {
            throw CommandFailure.failed(e.getMessage() + "; it said last: " + console.lastWords());
        } finally {
            machine = null;
        }
    }

    private GuestCounts counts() {
        Machine running = machine;
        return running == null ? GuestCounts.NONE : GuestCounts.of(running);
    }

    /** Ends the guest that runs; no other one will get far. */
    void stop() {
        stopped = true;
        Machine running = machine;
        if (running != null) {
            running.stop();
        }
    }

    @Override
    public void close() {
        host.close();
    }

    /** What the guest is told of isolation. */
    enum Mode {
        NOT_ISOLATED("not isolated"),
        ISOLATED("isolated");

        private final String words;

        Mode(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }
}
