package dev.airlock.cli;

import dev.airlock.disk.ByteSize;
import dev.airlock.linux.Kvm;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Privileges;
import dev.airlock.vmm.KvmProbe;
import dev.airlock.vmm.KvmUnusableException;
import dev.airlock.vmm.MachineOptions;
import dev.airlock.vmm.Outcome;
import dev.airlock.vmm.boot.BootException;
import dev.airlock.vmm.boot.BzImage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code airlock boot}: an unmodified Linux as a Hyper-V guest. */
@Command(
        name = "boot",
        description = {
            "Boot an unmodified Linux kernel on KVM as a Hyper-V guest, isolated or not, its disks on the kernel's own",
            "hv_storvsc. The guest's console is this terminal; Ctrl-A x ends it."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the guest switched itself off, or a clean end by SIGTERM or Ctrl-A x",
            "1:the guest could not go on, or the host was lost",
            "2:usage or environment: nothing was booted",
            "3:the guest's kernel panicked",
            "4:the guest asked to be started again, with --no-reboot",
            "124:--timeout was over"
        })
final class BootCommand implements Callable<Integer> {
    /** Exit codes of how a guest ended. */
    static final int EXIT_PANIC = 3;

    static final int EXIT_REBOOT = 4;
    static final int EXIT_TIMEOUT = 124;

    /** What the guest is told of isolation. */
    enum Isolation {
        none,
        vbs
    }

    @Option(names = "--kernel", paramLabel = "FILE", description = "a bzImage, Linux 6.1 or later")
    private @Nullable Path kernel;

    @Option(names = "--initrd", paramLabel = "FILE", description = "its initial RAM disk")
    private @Nullable Path initrd;

    @Option(
            names = "--cmdline",
            paramLabel = "TEXT",
            description = "its command line; default: ${DEFAULT-VALUE}")
    private String cmdline = "console=ttyS0";

    @Option(
            names = "--disk",
            paramLabel = "DISK",
            description = "a disk, as for airlock host; may be given again")
    private List<String> disks = new ArrayList<>();

    @Option(
            names = "--host",
            paramLabel = "PATH",
            description = "use the running host at this socket instead of starting one for --disk")
    private @Nullable Path host;

    @Option(
            names = "--isolation",
            paramLabel = "none|vbs",
            description =
                    "vbs: pages are private, and the host process has none, until the guest shows them; default: ${DEFAULT-VALUE}")
    private Isolation isolation = Isolation.none;

    @Option(
            names = "--cpus",
            paramLabel = "N",
            description = "virtual processors; default: ${DEFAULT-VALUE}")
    private int cpus = 1;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            description = "of the guest, a multiple of 2M; default: ${DEFAULT-VALUE}")
    private String memory = "2G";

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            description = "end the guest after so long")
    private double timeoutSeconds;

    @Option(
            names = "--no-reboot",
            description = "end, with exit code 4, when the guest asks to be started again")
    private boolean noReboot;

    @Option(
            names = "--control",
            paramLabel = "PATH",
            description = "a socket for disk-add, disk-remove and disk-list while the guest runs")
    private @Nullable Path control;

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "record every control message and packet, for airlock trace")
    private @Nullable Path trace;

    @Option(names = "--stats", description = "one line a second on stderr")
    private boolean stats;

    @Option(
            names = "--report",
            paramLabel = "FILE",
            description = "write what crossed the boundary there too, as JSON")
    private @Nullable Path report;

    @Override
    public Integer call() throws Exception {
        Path image = kernel;
        if (image == null) {
            throw CommandFailure.usage("give --kernel FILE, a bzImage such as /boot/vmlinuz");
        }
        if (host != null && !disks.isEmpty()) {
            throw CommandFailure.usage(
                    "give --disk or --host, not both: a running host has its own disks");
        }
        if (host != null && (control != null || trace != null)) {
            throw CommandFailure.usage(
                    "--control and --trace are for our own host; a running one has its own");
        }
        if (timeoutSeconds < 0 || timeoutSeconds > 1e9) {
            throw CommandFailure.usage("--timeout is a number of seconds");
        }
        Privileges.setNotDumpable();
        try (Kvm kvm = openKvm()) {
            MachineOptions options = options(image, KvmProbe.require(kvm));
            BootRun.Settings settings =
                    new BootRun.Settings(
                            disks,
                            host,
                            control,
                            trace,
                            (long) (timeoutSeconds * 1000),
                            !noReboot,
                            stats,
                            report);
            try (BootRun run = new BootRun(kvm, options, settings)) {
                Shutdown.onSignal(run::stop);
                return exitCode(run.run());
            }
        } catch (KvmUnusableException e) {
            throw CommandFailure.usage(
                    "cannot boot here: " + e.getMessage() + "; airlock boot --nested needs no KVM");
        } catch (BootException e) {
            throw CommandFailure.usage("cannot boot " + image + ": " + e.getMessage());
        }
    }

    private static int exitCode(Outcome outcome) {
        return switch (outcome.kind()) {
            case POWER_OFF, STOPPED -> 0;
            case PANIC -> {
                System.err.println("airlock: the guest's kernel panicked: " + outcome.detail());
                yield EXIT_PANIC;
            }
            case RESET -> EXIT_REBOOT;
            case TIMEOUT -> {
                System.err.println("airlock: the guest has " + outcome.detail());
                yield EXIT_TIMEOUT;
            }
            case FAILED -> {
                System.err.println("airlock: " + outcome.detail());
                yield Main.EXIT_FAILED;
            }
        };
    }

    private MachineOptions options(Path image, KvmProbe.Findings findings)
            throws IOException, BootException {
        long bytes;
        try {
            bytes = ByteSize.parse(memory);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.usage("--memory: " + e.getMessage());
        }
        if (cpus < 1 || cpus > MachineOptions.CPUS_MAX) {
            throw CommandFailure.usage(
                    "--cpus must be 1 to " + MachineOptions.CPUS_MAX + ", not " + cpus);
        }
        return new MachineOptions(
                BzImage.parse(map(image)),
                initrd == null ? null : map(initrd),
                cmdline,
                cpus,
                bytes,
                findings.tracksXsave(),
                isolation == Isolation.vbs);
    }

    /** A file's bytes, mapped as long as the process lives. */
    private static MemorySegment map(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.global());
        } catch (IOException e) {
            throw CommandFailure.usage("cannot read " + file + ": " + e.getMessage());
        }
    }

    private static Kvm openKvm() throws IOException {
        try {
            return Kvm.open();
        } catch (LinuxException e) {
            throw CommandFailure.usage(
                    "cannot boot here: %s: %s; airlock boot --nested needs no KVM"
                            .formatted(Kvm.DEVICE, e.getMessage()));
        }
    }
}
