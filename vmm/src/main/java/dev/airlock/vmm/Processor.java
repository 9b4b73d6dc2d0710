package dev.airlock.vmm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.airlock.linux.Errno;
import dev.airlock.linux.KvmVcpu;
import dev.airlock.linux.LinuxException;
import dev.airlock.vmm.boot.BootEntry;
import dev.airlock.vmm.device.PortBus;
import dev.airlock.vmm.hyperv.HypercallPorts;
import dev.airlock.vmm.hyperv.Hypercalls;
import dev.airlock.vmm.hyperv.SyntheticMsrs;
import dev.airlock.vmm.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;

/** One virtual processor and the thread that runs it. */
final class Processor implements AutoCloseable {
    private static final byte OUT = 1;

    private final KvmVcpu vcpu;
    private final MemorySegment page;
    private final MachineMemory memory;
    private final PortBus ports;
    private final SyntheticMsrs msrs;
    private final Hypercalls hypercalls;
    private final Ending ending;
    private final Thread thread;
    private final LongAdder portExits;
    private final LongAdder hypercallExits;
    private final LongAdder msrExits;
    private final LongAdder mmioExits;
    private final LongAdder interruptedExits;
    private volatile boolean stopping;

    /** Who ends the machine. */
    interface Ending {
        /** The machine's run is over; processors are stopped by whoever waits for it. */
        void end(Outcome outcome);
    }

    Processor(
            int index,
            KvmVcpu vcpu,
            MachineMemory memory,
            PortBus ports,
            SyntheticMsrs msrs,
            Hypercalls hypercalls,
            ExitCounts exits,
            Ending ending) {
        this.vcpu = vcpu;
        this.page = vcpu.page();
        this.memory = memory;
        this.ports = ports;
        this.msrs = msrs;
        this.hypercalls = hypercalls;
        this.ending = ending;
        this.portExits = exits.of("port");
        this.hypercallExits = exits.of("hypercall");
        this.msrExits = exits.of("msr");
        this.mmioExits = exits.of("mmio");
        this.interruptedExits = exits.of("interrupted");
        this.thread = Thread.ofPlatform().daemon().name("vcpu-" + index).unstarted(this::run);
    }

    /** Makes a processor begin where a kernel does. */
    static void enter(KvmVcpu vcpu, BootEntry entry) throws LinuxException {
        vcpu.startInLongMode(
                entry.rip(),
                entry.rsi(),
                entry.rsp(),
                entry.cr3(),
                entry.gdtBase(),
                entry.gdtLimit());
    }

    void start() {
        thread.start();
    }

    /** Makes the processor leave the guest, and its thread end. */
    void stop() {
        stopping = true;
        vcpu.kick();
    }

    /** Its registers, once its thread has ended. */
    String describe() {
        return vcpu.describe();
    }

    void join() throws InterruptedException {
        thread.join();
    }

    @Override
    public void close() {
        vcpu.close();
    }

    private void run() {
        try {
            vcpu.bind();
            while (!stopping) {
                boolean plainAliasAdmitted = memory.isPlainAliasAdmitted();
                int exit = vcpu.run();
                if (exit == -Errno.EFAULT && memory.isIsolated() && !plainAliasAdmitted) {
                    memory.admitPlainAlias();
                } else if (!handle(exit)) {
                    return;
                }
            }
        } catch (IOException | RuntimeException e) {
            fail("virtual processor: " + e);
        } finally {
            vcpu.unbind();
        }
    }

    /** False when this processor cannot go on. */
    private boolean handle(int exit) throws IOException {
        switch (exit) {
            case KvmVcpu.EXIT_IO -> port();
            case KvmVcpu.EXIT_RDMSR -> readMsr();
            case KvmVcpu.EXIT_WRMSR -> writeMsr();
            case KvmVcpu.EXIT_MMIO -> mmio();
            case KvmVcpu.EXIT_INTR -> interruptedExits.increment();
            case KvmVcpu.EXIT_SHUTDOWN -> {
                fail("triple fault: " + vcpu.describe());
                return false;
            }
            case -Errno.EFAULT -> {
                fail("the guest touched a page that is not there by that alias" + faultAddress());
                return false;
            }
            case KvmVcpu.EXIT_INTERNAL_ERROR -> {
                fail(
                        "KVM cannot run the guest's code: suberror=%d %s"
                                .formatted(
                                        page.get(JAVA_INT, KvmVcpu.SUBERROR_OFFSET),
                                        vcpu.describe()));
                return false;
            }
            default -> {
                fail(
                        (exit < 0 ? "KVM_RUN failed, errno " + -exit : "exit reason " + exit)
                                + " is not one of ours: "
                                + vcpu.describe());
                return false;
            }
        }
        return true;
    }

    private void port() throws IOException {
        int port = Short.toUnsignedInt(page.get(JAVA_SHORT, KvmVcpu.IO_PORT_OFFSET));
        boolean out = page.get(JAVA_BYTE, KvmVcpu.IO_DIRECTION_OFFSET) == OUT;
        if (out && HypercallPorts.isCall(port)) {
            hypercallExits.increment();
            long result =
                    hypercalls.call(
                            vcpu.register(KvmVcpu.RCX_OFFSET), vcpu.register(KvmVcpu.RDX_OFFSET));
            vcpu.setRegister(KvmVcpu.RAX_OFFSET, result);
            return;
        }
        if (out && HypercallPorts.isSignal(port)) {
            hypercallExits.increment();
            int connection = (int) vcpu.register(KvmVcpu.RAX_OFFSET);
            vcpu.setRegister(KvmVcpu.RDX_OFFSET, hypercalls.signal(connection));
            return;
        }
        portExits.increment();
        int size = page.get(JAVA_BYTE, KvmVcpu.IO_SIZE_OFFSET);
        int count = page.get(JAVA_INT, KvmVcpu.IO_COUNT_OFFSET);
        long at = page.get(JAVA_LONG, KvmVcpu.IO_DATA_OFFSET_OFFSET);
        for (int i = 0; i < count; i++, at += size) {
            if (out) {
                ports.write(port, size, get(at, size));
            } else {
                put(at, size, ports.read(port, size));
            }
        }
    }

    private int get(long at, int size) {
        return switch (size) {
            case 1 -> page.get(JAVA_BYTE, at) & 0xFF;
            case 2 -> page.get(JAVA_SHORT, at) & 0xFFFF;
            default -> page.get(JAVA_INT_UNALIGNED, at);
        };
    }

    private void put(long at, int size, int value) {
        switch (size) {
            case 1 -> page.set(JAVA_BYTE, at, (byte) value);
            case 2 -> page.set(JAVA_SHORT, at, (short) value);
            default -> page.set(JAVA_INT_UNALIGNED, at, value);
        }
    }

    private void readMsr() {
        msrExits.increment();
        Long value = msrs.read(page.get(JAVA_INT, KvmVcpu.MSR_INDEX_OFFSET));
        page.set(JAVA_BYTE, KvmVcpu.MSR_ERROR_OFFSET, (byte) (value == null ? 1 : 0));
        page.set(JAVA_LONG, KvmVcpu.MSR_DATA_OFFSET, value == null ? 0 : value);
    }

    private void writeMsr() {
        msrExits.increment();
        boolean done =
                msrs.write(
                        page.get(JAVA_INT, KvmVcpu.MSR_INDEX_OFFSET),
                        page.get(JAVA_LONG, KvmVcpu.MSR_DATA_OFFSET));
        page.set(JAVA_BYTE, KvmVcpu.MSR_ERROR_OFFSET, (byte) (done ? 0 : 1));
    }

    /** There is no device in memory but the kernel's own: ones are read, writes go nowhere. */
    private void mmio() {
        mmioExits.increment();
        if (page.get(JAVA_BYTE, KvmVcpu.MMIO_IS_WRITE_OFFSET) == 0) {
            page.set(JAVA_LONG, KvmVcpu.MMIO_DATA_OFFSET, -1);
        }
    }

    private String faultAddress() {
        // Kernels before 6.8 do not tell where.
        String where =
                page.get(JAVA_INT, 8) == KvmVcpu.EXIT_MEMORY_FAULT
                        ? ": gpa=%#x".formatted(page.get(JAVA_LONG, KvmVcpu.FAULT_ADDRESS_OFFSET))
                        : "";
        return where + ": " + vcpu.describe();
    }

    private void fail(String why) {
        if (!stopping) {
            ending.end(new Outcome(Outcome.Kind.FAILED, why));
        }
    }
}
