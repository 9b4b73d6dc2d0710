package dev.airlock.cli;

import dev.airlock.disk.ByteSize;
import dev.airlock.linux.Kvm;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Privileges;
import dev.airlock.nest.DebianKernel;
import dev.airlock.nest.DemoGuest;
import dev.airlock.nest.LinuxKernel;
import dev.airlock.nest.NestException;
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
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

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

    private static final String DEMO_DISK = "64M";
    private static final String DEMO_MEMORY = "512M";

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

    @Option(
            names = "--attack",
            paramLabel = "NAME[,seed=N]",
            description =
                    "wrong the guest, and tell what its kernel did; the disk is 64 MiB of memory, without --disk. "
                            + "See docs/hostile-host.md")
    private @Nullable String attack;

    @Option(
            names = "--nested",
            description =
                    "boot in a Linux with KVM that runs under QEMU, for machines without KVM; takes a minute more")
    private boolean nested;

    @Option(
            names = "--outer-kernel",
            paramLabel = "FILE",
            description =
                    "that Linux's kernel, a bzImage whose modules are here too; default: Debian's, by apt")
    private @Nullable Path outerKernel;

    @Option(
            names = "--demo",
            description =
                    "needs no file: Debian's kernel by apt (or --kernel, its modules beside it), an initrd that writes to a disk and reads back, a disk for it")
    private boolean demo;

    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        if (outerKernel != null && !nested) {
            throw CommandFailure.usage("--outer-kernel goes with --nested");
        }
        List<NestedBoot.Given> given = NestedBoot.Given.of(parsed());
        if (!demo) {
            return call(given);
        }
        if (initrd != null || !disks.isEmpty() || host != null) {
            throw CommandFailure.usage(
                    "--demo has an initrd and a disk of its own, which it writes to");
        }
        try (ScratchFolder scratch = ScratchFolder.create()) {
            LinuxKernel booted =
                    kernel == null ? DebianKernel.STABLE.fetch() : LinuxKernel.of(kernel);
            DemoGuest guest = DemoGuest.make(booted, scratch.path(""));
            kernel = guest.kernel();
            given.removeIf(option -> option.name().equals("--kernel"));
            initrd = guest.initramfs();
            cmdline = guest.commandLine();
            if (attack == null) {
                disks.add(scratch.file("demo.raw", DEMO_DISK));
                given.add(new NestedBoot.Given("--disk", disks.getFirst()));
            }
            given.add(new NestedBoot.Given("--kernel", guest.kernel().toString()));
            given.add(new NestedBoot.Given("--initrd", guest.initramfs().toString()));
            given.add(new NestedBoot.Given("--cmdline", cmdline));
            if (!parsed().hasMatchedOption("--memory")) {
                memory = DEMO_MEMORY;
                given.add(new NestedBoot.Given("--memory", memory));
            }
            return call(given);
        } catch (NestException e) {
            throw CommandFailure.usage(e.getMessage());
        }
    }

    private ParseResult parsed() {
        return Objects.requireNonNull(spec, "picocli sets it").commandLine().getParseResult();
    }

    private int call(List<NestedBoot.Given> given) throws Exception {
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
        AttackRun.Plan plan = attackPlan();
        if (nested) {
            return NestedBoot.run(given, outerKernel, (int) (memoryBytes() >> 20), timeoutSeconds);
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
                            report,
                            plan);
            try (BootRun run = new BootRun(kvm, options, settings)) {
                Shutdown.onSignal(run::end);
                return exitCode(run.run());
            }
        } catch (KvmUnusableException e) {
            throw CommandFailure.usage(
                    "cannot boot here: " + e.getMessage() + "; airlock boot --nested needs no KVM");
        } catch (BootException e) {
            throw CommandFailure.usage("cannot boot " + image + ": " + e.getMessage());
        }
    }

    private AttackRun.@Nullable Plan attackPlan() {
        String text = attack;
        if (text == null) {
            return null;
        }
        if (host != null || !disks.isEmpty() || control != null || trace != null) {
            throw CommandFailure.usage(
                    "--attack has a host and a disk of its own: no --disk, --host, --control or --trace");
        }
        AttackRun.Plan plan;
        try {
            plan = AttackRun.Plan.parse(text);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.usage("--attack: " + e.getMessage());
        }
        if (!plan.attack().isByHost() && isolation == Isolation.none) {
            throw CommandFailure.usage(
                    "--attack " + plan.attack().word() + " needs --isolation vbs");
        }
        return plan;
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
        if (cpus < 1 || cpus > MachineOptions.CPUS_MAX) {
            throw CommandFailure.usage(
                    "--cpus must be 1 to " + MachineOptions.CPUS_MAX + ", not " + cpus);
        }
        return new MachineOptions(
                BzImage.parse(map(image)),
                initrd == null ? null : map(initrd),
                cmdline,
                cpus,
                memoryBytes(),
                findings.tracksXsave(),
                isolation == Isolation.vbs);
    }

    private long memoryBytes() {
        try {
            return ByteSize.parse(memory);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.usage("--memory: " + e.getMessage());
        }
    }

    /** A file's bytes, mapped as long as the process lives. */
    static MemorySegment map(Path file) {
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
