package dev.airlock.vmm;

import dev.airlock.linux.CpuidEntry;
import dev.airlock.linux.EventFd;
import dev.airlock.linux.Kvm;
import dev.airlock.linux.KvmVcpu;
import dev.airlock.linux.KvmVm;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmm.acpi.AcpiTables;
import dev.airlock.vmm.acpi.Platform;
import dev.airlock.vmm.boot.BootEntry;
import dev.airlock.vmm.boot.BootException;
import dev.airlock.vmm.boot.LinuxBoot;
import dev.airlock.vmm.boot.RamLayout;
import dev.airlock.vmm.boot.ResetVector;
import dev.airlock.vmm.bus.VmbusForwarder;
import dev.airlock.vmm.device.ByteSink;
import dev.airlock.vmm.device.CmosClock;
import dev.airlock.vmm.device.KeyboardController;
import dev.airlock.vmm.device.MachineEvent;
import dev.airlock.vmm.device.PciHole;
import dev.airlock.vmm.device.PortBus;
import dev.airlock.vmm.device.PowerPorts;
import dev.airlock.vmm.device.SerialPort;
import dev.airlock.vmm.device.SystemControlPort;
import dev.airlock.vmm.hyperv.HypercallPorts;
import dev.airlock.vmm.hyperv.Hypercalls;
import dev.airlock.vmm.hyperv.HypervCpuid;
import dev.airlock.vmm.hyperv.Partition;
import dev.airlock.vmm.hyperv.ReferenceClock;
import dev.airlock.vmm.hyperv.SyntheticMsrs;
import dev.airlock.vmm.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A virtual machine that boots one Linux kernel as a Hyper-V guest: made, run once, closed. A guest
 * that starts again gets a new one.
 *
 * <p>{@link #stop}, {@link #serial} and the statistics may be used from any thread; the rest from
 * the one that made it.
 */
public final class Machine implements AutoCloseable {
    /**
     * Which address bit tells shared from private: above the memory of any guest here, and below
     * the physical address width of every processor that KVM runs on.
     */
    static final int BOUNDARY_BIT = 38;

    /** How long a guest that reported a crash may go on, to say what happened. */
    private static final long LAST_WORDS_MS = 10_000;

    private static final int KVM_NEEDED_SYNC_REGS = 1;

    private final KvmVm vm;
    private final MachineMemory memory;
    private final Partition partition;
    private final Hypercalls hypercalls;
    private final List<Processor> processors = new ArrayList<>();

    /** One message a processor, made once: a busy disk interrupts thousands of times a second. */
    private final List<MemorySegment> interrupts = new ArrayList<>();

    private final SerialPort serial;
    private final ExitCounts exits = new ExitCounts();
    private final BusLink link;
    private volatile @Nullable Outcome panic;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();

    private Machine(
            Kvm kvm,
            KvmVm vm,
            MachineMemory memory,
            MachineOptions options,
            ByteSink console,
            Hypercalls.VisibilityPolicy policy)
            throws IOException, BootException {
        this.vm = vm;
        this.memory = memory;
        serial =
                new SerialPort(
                        Platform.SERIAL_PORT,
                        high -> setIrqLine(Platform.SERIAL_GSI, high),
                        console);
        RamLayout layout = RamLayout.of(options.memoryBytes());
        AcpiTables acpi = AcpiTables.build(RamLayout.ACPI_START, options.cpus());
        memory.write(acpi.baseGpa(), acpi.image());
        ResetVector.write(memory);
        BootEntry entry =
                LinuxBoot.load(
                        memory,
                        layout,
                        options.kernel(),
                        options.initrd(),
                        options.cmdline(),
                        acpi.rsdpGpa());
        List<CpuidEntry> supported = kvm.supportedCpuid();
        List<KvmVcpu> vcpus = new ArrayList<>();
        for (int cpu = 0; cpu < options.cpus(); cpu++) {
            interrupts.add(KvmVm.msi(Arena.ofAuto(), cpu));
            KvmVcpu vcpu = vm.createVcpu(cpu);
            vcpus.add(vcpu);
            vcpu.setCpuid(
                    HypervCpuid.of(
                            supported, cpu, options.cpus(), memory.boundaryBit(), options.xsave()));
        }
        Processor.enter(vcpus.getFirst(), entry);
        partition =
                new Partition(
                        memory,
                        new ReferenceClock(vcpus.getFirst().tscKhz()),
                        options.cpus(),
                        this::raise,
                        this::crashed,
                        () -> end(Outcome.of(Outcome.Kind.RESET)));
        link = new BusLink(partition, this::connectDoorbell);
        hypercalls = new Hypercalls(memory, link, policy);
        PortBus ports = ports();
        for (int cpu = 0; cpu < options.cpus(); cpu++) {
            processors.add(
                    new Processor(
                            cpu,
                            vcpus.get(cpu),
                            memory,
                            ports,
                            new SyntheticMsrs(partition, cpu),
                            hypercalls,
                            exits,
                            this::end));
        }
    }

    /**
     * Makes a machine with the kernel loaded; nothing runs yet.
     *
     * @param console gets what the guest writes to its serial port
     * @throws BootException when kernel, initrd and memory do not fit together
     * @throws IOException when KVM refuses
     */
    public static Machine create(Kvm kvm, MachineOptions options, ByteSink console)
            throws IOException, BootException {
        return create(kvm, options, console, (pfn, show) -> true);
    }

    /**
     * As the other, with a say in what an isolated guest may show.
     *
     * @param policy asked for each change of visibility, by the guest's processors
     */
    public static Machine create(
            Kvm kvm, MachineOptions options, ByteSink console, Hypercalls.VisibilityPolicy policy)
            throws IOException, BootException {
        require(kvm, Kvm.CAP_X86_MSR_FILTER, 1, "MSR filters (Linux 5.10)");
        require(kvm, Kvm.CAP_IMMEDIATE_EXIT, 1, "immediate exit (Linux 4.13)");
        require(kvm, Kvm.CAP_SYNC_REGS, KVM_NEEDED_SYNC_REGS, "synced registers (Linux 4.17)");
        RamLayout.of(options.memoryBytes());
        int boundary = options.isolated() ? BOUNDARY_BIT : MachineMemory.NO_BOUNDARY;
        if (options.isolated()
                && HypervCpuid.physicalAddressBits(kvm.supportedCpuid()) <= BOUNDARY_BIT) {
            throw new IOException(
                    "this processor has too few physical address bits for isolation: needs "
                            + (BOUNDARY_BIT + 1));
        }
        KvmVm vm = kvm.createVm();
        MachineMemory memory = null;
        try {
            vm.createInterruptControllers();
            vm.interceptMsrs(SyntheticMsrs.FIRST, SyntheticMsrs.COUNT);
            memory = MachineMemory.create(vm, options.memoryBytes(), boundary);
            return new Machine(kvm, vm, memory, options, console, policy);
        } catch (IOException | BootException | RuntimeException e) {
            vm.close();
            if (memory != null) {
                memory.close();
            }
            throw e;
        }
    }

    private static void require(Kvm kvm, int capability, int bits, String name) throws IOException {
        if ((kvm.capability(capability) & bits) != bits) {
            throw new IOException("this kernel's KVM lacks " + name);
        }
    }

    /**
     * Connects the guest's VMBus with a host process. Before {@link #run}, which ends when the host
     * goes: the driver never gives up what is under way, and hung tasks are no use to anybody.
     *
     * @param socket owned from now on
     */
    public void connect(UnixSocket socket) throws IOException {
        connect(socket, why -> fail("host process: " + why));
    }

    /**
     * As {@link #connect(UnixSocket)}, but {@link #run} goes on when the host has gone.
     *
     * @param onLost told why, each time; then either {@link #carryOver} gives the guest another
     *     host, or {@link #fail} ends it. Called on a thread that need not come back soon
     */
    public void connect(UnixSocket socket, Consumer<String> onLost) throws IOException {
        link.connect(socket, memory, onLost);
    }

    /**
     * Gives the guest another host after the one before has gone: see {@link
     * VmbusForwarder#carryOver}. From any thread.
     *
     * @param socket owned from now on, also when this throws
     * @throws IOException if that host cannot go on where the other was
     */
    public void carryOver(UnixSocket socket) throws IOException {
        link.carryOver(socket);
    }

    /** Ends {@link #run} from any thread, as a failure. */
    public void fail(String why) {
        end(new Outcome(Outcome.Kind.FAILED, why));
    }

    /**
     * Runs the guest until it ends, by its own doing or by {@link #stop}. All processors have
     * stopped when this returns.
     *
     * @param timeoutMs how long it may take; 0 for any time
     */
    public Outcome run(long timeoutMs) throws InterruptedException {
        for (Processor processor : processors) {
            processor.start();
        }
        Outcome outcome = await(timeoutMs);
        if (outcome.kind() != Outcome.Kind.TIMEOUT) {
            return outcome;
        }
        return new Outcome(
                Outcome.Kind.TIMEOUT,
                "not ended after %d s; %s".formatted(timeoutMs / 1000, whereabouts()));
    }

    private String whereabouts() {
        StringBuilder all = new StringBuilder("its processors are at");
        for (Processor processor : processors) {
            all.append(" [").append(processor.describe()).append(']');
        }
        return all.toString();
    }

    private Outcome await(long timeoutMs) throws InterruptedException {
        try {
            Outcome how =
                    timeoutMs == 0 ? outcome.get() : outcome.get(timeoutMs, TimeUnit.MILLISECONDS);
            Outcome crash = panic;
            return crash != null && how.kind() != Outcome.Kind.STOPPED ? crash : how;
        } catch (TimeoutException e) {
            return Outcome.of(Outcome.Kind.TIMEOUT);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } finally {
            for (Processor processor : processors) {
                processor.stop();
            }
            for (Processor processor : processors) {
                processor.join();
            }
        }
    }

    /** Ends {@link #run} from any thread. */
    public void stop() {
        end(Outcome.of(Outcome.Kind.STOPPED));
    }

    /** The guest's console, to type at. */
    public SerialPort serial() {
        return serial;
    }

    /** The guest's memory, for what is shown of it. */
    public MachineMemory memory() {
        return memory;
    }

    /** Returns to user space so far. */
    public ExitCounts exits() {
        return exits;
    }

    /** Hypercalls so far. */
    public Hypercalls hypercalls() {
        return hypercalls;
    }

    /** The connection to the host process; null before {@link #connect}. */
    public @Nullable VmbusForwarder bus() {
        return link.bus();
    }

    @Override
    public void close() {
        link.close();
        for (Processor processor : processors) {
            processor.close();
        }
        vm.close();
        memory.close();
    }

    private PortBus ports() {
        MachineEvent.Listener power =
                event ->
                        end(
                                Outcome.of(
                                        event == MachineEvent.POWER_OFF
                                                ? Outcome.Kind.POWER_OFF
                                                : Outcome.Kind.RESET));
        KeyboardController keyboard = new KeyboardController(power);
        return new PortBus.Builder()
                .add(Platform.SERIAL_PORT, SerialPort.PORT_COUNT, serial)
                .add(CmosClock.FIRST_PORT, CmosClock.PORT_COUNT, new CmosClock(Clock.systemUTC()))
                .add(PowerPorts.FIRST_PORT, PowerPorts.PORT_COUNT, new PowerPorts(power))
                .add(KeyboardController.FIRST_PORT, KeyboardController.PORT_COUNT, keyboard)
                .add(KeyboardController.COMMAND_PORT, 1, keyboard)
                .add(SystemControlPort.PORT, 1, new SystemControlPort())
                .add(PciHole.FIRST_PORT, PciHole.PORT_COUNT, new PciHole(power))
                .build();
    }

    private void end(Outcome how) {
        outcome.complete(how);
    }

    private void crashed(Partition.Crash crash) {
        String message = crash.message();
        end(new Outcome(Outcome.Kind.PANIC, message == null ? crash.describe() : message.strip()));
    }

    /** Called with the monitor of that processor's {@code Synic} alone, so its message is ours. */
    private void raise(int cpu, int vector) {
        MemorySegment message = interrupts.get(cpu);
        KvmVm.setVector(message, vector);
        vm.signal(message);
    }

    private void setIrqLine(int gsi, boolean high) {
        try {
            vm.setIrqLine(gsi, high);
        } catch (LinuxException e) {
            end(new Outcome(Outcome.Kind.FAILED, "interrupt line: " + e.getMessage()));
        }
    }

    private void connectDoorbell(int connectionId, EventFd doorbell, boolean connect)
            throws LinuxException {
        vm.portEvent(HypercallPorts.SIGNAL, Integer.BYTES, connectionId, doorbell, connect);
    }
}
