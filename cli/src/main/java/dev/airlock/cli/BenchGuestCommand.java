package dev.airlock.cli;

import dev.airlock.linux.Kvm;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Privileges;
import dev.airlock.nest.BenchGuest;
import dev.airlock.nest.BenchPeer;
import dev.airlock.nest.DebianKernel;
import dev.airlock.nest.LinuxKernel;
import dev.airlock.nest.NestException;
import dev.airlock.nest.OuterMachine;
import dev.airlock.vmm.KvmProbe;
import dev.airlock.vmm.KvmUnusableException;
import dev.airlock.vmm.boot.BootException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code airlock bench guest}: fio in a Linux guest, isolated and not. */
@Command(
        name = "guest",
        description = {
            "Boot Debian's kernel isolated and not, in turn, and run fio in it on a raw file on tmpfs by the kernel's own",
            "hv_storvsc; and the same under QEMU with the same KVM, on virtio-scsi and virtio-blk, where QEMU is installed:",
            "IOPS, latency, and what our VMM did for each I/O meanwhile: returns of KVM_RUN by reason, hypercalls, interrupts.",
            "And how long a guest's signal takes to the host. Needs fio, whose binary goes into the guest."
        },
        mixinStandardHelpOptions = true)
final class BenchGuestCommand implements Callable<Integer> {
    private static final Path TMPFS = Path.of("/dev/shm");

    /** What starting the outer machine may take, and each boot beside fio's own time. */
    private static final int START_SECONDS = 300;

    @Option(
            names = "--runs",
            paramLabel = "N",
            description = "boots of each kind, interleaved; default: ${DEFAULT-VALUE}")
    private int runs = 3;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "length of one measurement; default: ${DEFAULT-VALUE}")
    private int seconds = 2;

    @Option(
            names = "--no-fio",
            description = "only the time from a guest's signal to the host, which takes seconds")
    private boolean noFio;

    @Option(names = "--json", description = "print one JSON object instead of tables")
    private boolean json;

    @Option(
            names = "--nested",
            description =
                    "in a Linux with KVM that runs under QEMU, for machines without KVM; takes minutes, and only"
                            + " ratios and counts mean anything where that QEMU emulates processors")
    private boolean nested;

    /** With the next one: made outside, where apt and fio are, for the command inside. */
    @Option(names = "--kernel", hidden = true)
    private @Nullable Path kernel;

    @Option(names = "--initrd", hidden = true)
    private @Nullable Path initrd;

    @Option(names = "--peer-initrd", hidden = true)
    private @Nullable Path peerInitrd;

    @Override
    public Integer call() throws Exception {
        if (runs < 1 || runs > 1000) {
            throw CommandFailure.usage("--runs must be 1 to 1000");
        }
        if (seconds < 1 || seconds > 3600) {
            throw CommandFailure.usage("--seconds must be 1 to 3600");
        }
        try (ScratchFolder scratch =
                Files.isWritable(TMPFS) ? ScratchFolder.createIn(TMPFS) : ScratchFolder.create()) {
            if (nested) {
                return inOuterMachine(scratch);
            }
            return here(scratch);
        } catch (NestException e) {
            throw CommandFailure.usage(e.getMessage());
        }
    }

    private int here(ScratchFolder scratch) throws IOException, InterruptedException {
        Privileges.setNotDumpable();
        try (Kvm kvm = openKvm()) {
            boolean xsave = KvmProbe.require(kvm).tracksXsave();
            PickUp pickUp = PickUp.measure(kvm);
            if (noFio) {
                show(pickUp.fields(), pickUp.render());
                return 0;
            }
            Guests guests = guests(scratch);
            try (GuestBench bench =
                    new GuestBench(
                            kvm,
                            xsave,
                            guests.own(),
                            guests.peer(),
                            seconds,
                            scratch.path("host.sock"),
                            scratch.file("bench.raw", GuestBench.DISK_SIZE))) {
                Shutdown.onSignal(bench::stop);
                GuestBenchReport report = new GuestBenchReport(bench.run(runs), pickUp);
                show(report.fields(), report.render());
                return 0;
            }
        } catch (KvmUnusableException e) {
            throw cannot(e.getMessage());
        } catch (BootException e) {
            throw CommandFailure.failed("cannot boot the guest: " + e.getMessage());
        }
    }

    private void show(Map<String, Object> fields, String text) {
        if (json) {
            Json.print(fields);
        } else {
            System.out.print(text);
        }
    }

    /**
     * What to boot.
     *
     * @param peer under QEMU; null where there is no QEMU
     */
    private record Guests(BenchGuest own, @Nullable BenchGuest peer) {}

    private Guests guests(ScratchFolder scratch) throws IOException {
        if (kernel != null && initrd != null && peerInitrd != null) {
            return new Guests(new BenchGuest(kernel, initrd), new BenchGuest(kernel, peerInitrd));
        }
        LinuxKernel debian = DebianKernel.STABLE.fetch();
        BenchGuest own = BenchGuest.make(debian, scratch.path(""));
        if (BenchPeer.isPossible()) {
            return new Guests(own, BenchPeer.make(debian, scratch.path("")));
        }
        System.err.println("airlock: no qemu-system-x86_64 here: without virtio beside it");
        return new Guests(own, null);
    }

    private static Kvm openKvm() throws IOException {
        try {
            return Kvm.open();
        } catch (LinuxException e) {
            throw cannot(Kvm.DEVICE + ": " + e.getMessage());
        }
    }

    private static CommandFailure cannot(@Nullable String why) {
        return CommandFailure.usage(
                "cannot boot here: " + why + "; airlock bench guest --nested needs no KVM");
    }

    private int inOuterMachine(ScratchFolder scratch) throws IOException, InterruptedException {
        int modes = GuestBench.Mode.values().length;
        System.err.printf(
                "airlock: %d boots in a Linux with KVM under QEMU; this takes a minute for each or so%n",
                modes * runs);
        LinuxKernel debian = DebianKernel.STABLE.fetch();
        int jobs = BenchGuest.JOBS.size() * seconds;
        Duration limit = Duration.ofSeconds((long) modes * runs * (START_SECONDS + jobs));
        try (OuterMachine machine = new OuterMachine(NestedBoot.program(), debian)) {
            List<String> command = new ArrayList<>(List.of("airlock", "bench", "guest"));
            if (noFio) {
                command.add("--no-fio");
            } else {
                BenchGuest own = BenchGuest.make(debian, scratch.path(""));
                BenchGuest peer = BenchPeer.make(debian, scratch.path(""));
                command.addAll(List.of("--kernel", machine.input(own.kernel())));
                command.addAll(List.of("--initrd", machine.input(own.initramfs())));
                command.addAll(List.of("--peer-initrd", machine.input(peer.initramfs())));
                machine.qemu();
            }
            command.addAll(List.of("--runs", Integer.toString(runs)));
            command.addAll(List.of("--seconds", Integer.toString(seconds)));
            if (json) {
                command.add("--json");
            }
            Shutdown.onSignal(machine::stop);
            OuterMachine.Result result =
                    machine.runAll(
                                    List.of(new OuterMachine.Task("bench", command, limit)),
                                    scratch.path("console"),
                                    Files.createDirectory(scratch.path("out")),
                                    limit.plusSeconds(START_SECONDS))
                            .getFirst();
            System.out.print(result.output());
            System.err.print(result.errors());
            return result.exitCode()
                    .orElseThrow(() ->
                            CommandFailure.failed("the machine under QEMU ended before the bench"));
        }
    }
}
