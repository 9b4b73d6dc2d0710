package dev.airlock.cli;

import dev.airlock.linux.Kvm;
import dev.airlock.linux.UnixSocket;
import dev.airlock.nest.Accelerator;
import dev.airlock.nest.BenchGuest;
import dev.airlock.nest.BenchPeer;
import dev.airlock.nest.QemuMachine;
import dev.airlock.nest.QemuSettings;
import dev.airlock.vmm.Machine;
import dev.airlock.vmm.MachineOptions;
import dev.airlock.vmm.Outcome;
import dev.airlock.vmm.boot.BootException;
import dev.airlock.vmm.boot.BzImage;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Boots a {@link BenchGuest} again and again, isolated, not isolated, and under QEMU in turn, all
 * on one raw file, and collects what its jobs did. For one thread; {@link #stop} from any.
 */
final class GuestBench implements AutoCloseable {
    /** Small enough to be filled in moments. */
    static final String DISK_SIZE = "64M";

    private static final int MEMORY_MIB = 768;
    private static final int PROCESSORS = 1;
    private static final long CONNECT_MS = 10_000;

    /** What a boot and fio's starts may take where processors are emulated. */
    private static final long START_MS = 600_000;

    private final Kvm kvm;
    private final boolean xsave;
    private final BzImage kernel;
    private final MemorySegment initramfs;
    private final @Nullable BenchGuest peer;
    private final int seconds;
    private final Path socket;
    private final Path image;
    private final HostChild host;
    private volatile @Nullable Machine machine;
    private volatile @Nullable QemuMachine qemu;
    private volatile boolean stopped;

    /**
     * Starts the host process.
     *
     * @param xsave whether guests may have it
     * @param peer what runs under QEMU; null for nothing
     * @param seconds of each job
     * @param socket where the host shall listen
     * @param disk a raw file as DISK, which is overwritten
     */
    GuestBench(
            Kvm kvm,
            boolean xsave,
            BenchGuest guest,
            @Nullable BenchGuest peer,
            int seconds,
            Path socket,
            String disk)
            throws IOException, BootException {
        this.kvm = kvm;
        this.xsave = xsave;
        this.kernel = BzImage.parse(BootCommand.map(guest.kernel()));
        this.initramfs = BootCommand.map(guest.initramfs());
        this.peer = peer;
        this.seconds = seconds;
        this.socket = socket;
        this.image = Path.of(disk.replace(",,", ","));
        this.host = HostChild.start(socket, List.of("raw:" + disk));
    }

    /** Samples by job and mode, both in the order to be shown; each mode as many. */
    Map<String, Map<Mode, List<GuestSample>>> run(int runs)
            throws IOException, BootException, InterruptedException {
        host.awaitReady();
        Map<String, Map<Mode, List<GuestSample>>> all = new LinkedHashMap<>();
        for (int run = 0; run < runs; run++) {
            // The first boot of a round finds other caches than the second: they take turns.
            List<Mode> modes = Mode.all(peer != null);
            for (Mode mode : run % 2 == 0 ? modes : modes.reversed()) {
                System.err.printf("airlock: run %d of %d, %s%n", run + 1, runs, mode.words());
                (mode.peer() == null ? boot(mode) : bootPeer(mode, mode.peer()))
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
                        (long) MEMORY_MIB << 20,
                        xsave,
                        mode == Mode.ISOLATED);
        GuestBenchConsole console = new GuestBenchConsole(this::counts);
        try (Machine made = Machine.create(kvm, options, console)) {
            made.connect(UnixSocket.connect(socket, CONNECT_MS));
            machine = made;
            if (stopped) {
                made.stop();
            }
            Outcome outcome = made.run(limitMs());
            if (outcome.kind() != Outcome.Kind.POWER_OFF) {
                throw failed(mode, outcome.kind() + ": " + outcome.detail(), console);
            }
            return samples(mode, console);
        } finally {
            machine = null;
        }
    }

    private Map<String, GuestSample> bootPeer(Mode mode, BenchPeer controller)
            throws IOException, InterruptedException {
        BenchGuest guest = Objects.requireNonNull(peer);
        GuestBenchConsole console = new GuestBenchConsole(() -> GuestCounts.NONE);
        QemuSettings settings =
                controller
                        .settings(guest, image, seconds)
                        .accelerator(Accelerator.KVM, xsave ? "host" : "host,-xsave")
                        .processors(PROCESSORS)
                        .memoryMiB(MEMORY_MIB);
        try (QemuMachine made = settings.start()) {
            qemu = made;
            if (stopped) {
                made.stop();
            }
            Thread reader =
                    Thread.ofPlatform()
                            .daemon()
                            .name("peer-console")
                            .start(() -> read(made.console(), console));
            QemuMachine.Ending ending = made.await(Duration.ofMillis(limitMs()));
            reader.join();
            if (ending.exitCode().orElse(-1) != 0) {
                throw failed(mode, ending.isTimedOut() ? "time-out" : "no end of its own", console);
            }
            return samples(mode, console);
        } finally {
            qemu = null;
        }
    }

    /** Ends with QEMU, however that ends. */
    private static void read(InputStream from, GuestBenchConsole console) {
        try (from) {
            for (int value = from.read(); value >= 0; value = from.read()) {
                console.accept((byte) value);
            }
        } catch (IOException e) {
            // The pipe's end; what is missing is told by who looks for it.
            return;
        }
    }

    private long limitMs() {
        return START_MS + 1000L * seconds * BenchGuest.JOBS.size();
    }

    private static Map<String, GuestSample> samples(Mode mode, GuestBenchConsole console) {
        try {
            Map<String, GuestSample> samples = new LinkedHashMap<>();
            for (BenchGuest.Job job : BenchGuest.JOBS) {
                samples.put(job.name(), console.sample(job));
            }
            return samples;
        } catch (IllegalArgumentException e) {
            throw failed(mode, String.valueOf(e.getMessage()), console);
        }
    }

    private static CommandFailure failed(Mode mode, String why, GuestBenchConsole console) {
        return CommandFailure.failed(
                "the guest, %s, ended by %s; it said last: %s"
                        .formatted(mode.words(), why, console.lastWords()));
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
        QemuMachine other = qemu;
        if (other != null) {
            other.stop();
        }
    }

    @Override
    public void close() {
        host.close();
    }

    /** Who does the guest's I/O. */
    enum Mode {
        NOT_ISOLATED("not isolated", null),
        ISOLATED("isolated", null),
        VIRTIO_SCSI("QEMU virtio-scsi", BenchPeer.VIRTIO_SCSI),
        VIRTIO_BLK("QEMU virtio-blk", BenchPeer.VIRTIO_BLK);

        private final String words;
        private final @Nullable BenchPeer peer;

        Mode(String words, @Nullable BenchPeer peer) {
            this.words = words;
            this.peer = peer;
        }

        String words() {
            return words;
        }

        /** QEMU's controller; null for ours. */
        @Nullable BenchPeer peer() {
            return peer;
        }

        static List<Mode> all(boolean withPeers) {
            return Arrays.stream(values())
                    .filter(mode -> withPeers || mode.peer() == null)
                    .toList();
        }
    }
}
