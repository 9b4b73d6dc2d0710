package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One KVM machine: memory slots, the in-kernel interrupt controllers, which MSRs and ports come to
 * user space or to an eventfd. Thread-safe; owns the descriptor. Memory given to it must stay
 * mapped until it and its processors are closed.
 */
public final class KvmVm implements AutoCloseable {
    /** {@code linux/kvm.h}, KVM_MSR_EXIT_REASON_FILTER. */
    private static final long EXIT_REASON_FILTER = 1 << 2;

    private static final int FILTER_READ_WRITE = 1 | 2;
    private static final long FILTER_BYTES = 392;
    private static final long ENABLE_CAP_BYTES = 104;
    private static final long IOEVENTFD_BYTES = 64;
    private static final long MSI_BYTES = 32;
    private static final long MEMORY_REGION_BYTES = 32;
    private static final int IOEVENTFD_DATAMATCH = 1;
    private static final int IOEVENTFD_PIO = 1 << 1;
    private static final int IOEVENTFD_DEASSIGN = 1 << 2;

    /** Three pages that Intel's processors need somewhere a guest has no memory. */
    private static final long TSS_ADDRESS = 0xFFFB_D000L;

    private static final long IDENTITY_MAP_ADDRESS = 0xFFFB_C000L;

    private final Fd fd;
    private final int runBytes;

    KvmVm(Fd fd, int runBytes) {
        this.fd = fd;
        this.runBytes = runBytes;
    }

    /** Local APICs, an I/O APIC and two PICs, emulated by the kernel. Before any processor. */
    public void createInterruptControllers() throws LinuxException {
        number("KVM_SET_TSS_ADDR", KvmCalls.SET_TSS_ADDR, TSS_ADDRESS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(8, 8);
            address.set(JAVA_LONG, 0, IDENTITY_MAP_ADDRESS);
            structure("KVM_SET_IDENTITY_MAP_ADDR", KvmCalls.SET_IDENTITY_MAP_ADDR, address);
        }
        number("KVM_CREATE_IRQCHIP", KvmCalls.CREATE_IRQCHIP, 0);
    }

    /**
     * Makes memory of this process the guest's.
     *
     * @param slot number of the slot, replaced if it is in use
     * @param gpa where the guest finds it
     * @param memory whole pages
     */
    public void setMemory(int slot, long gpa, MemorySegment memory) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment region = arena.allocate(MEMORY_REGION_BYTES, 8);
            region.set(JAVA_INT, 0, slot);
            region.set(JAVA_LONG, 8, gpa);
            region.set(JAVA_LONG, 16, memory.byteSize());
            region.set(JAVA_LONG, 24, memory.address());
            structure("KVM_SET_USER_MEMORY_REGION", KvmCalls.SET_USER_MEMORY_REGION, region);
        }
    }

    /** Sends every access of these MSRs to user space, as an exit of the processor. */
    public void interceptMsrs(int first, int count) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment cap = arena.allocate(ENABLE_CAP_BYTES, 8);
            cap.set(JAVA_INT, 0, Kvm.CAP_X86_USER_SPACE_MSR);
            cap.set(JAVA_LONG, 8, EXIT_REASON_FILTER);
            structure("KVM_ENABLE_CAP", KvmCalls.ENABLE_CAP, cap);
            // One bit an MSR, zero for "not by the kernel".
            MemorySegment denied = arena.allocate((count + 7) / 8, 8);
            MemorySegment filter = arena.allocate(FILTER_BYTES, 8);
            filter.set(JAVA_INT, 8, FILTER_READ_WRITE);
            filter.set(JAVA_INT, 12, count);
            filter.set(JAVA_INT, 16, first);
            filter.set(JAVA_LONG, 24, denied.address());
            structure("KVM_X86_SET_MSR_FILTER", KvmCalls.X86_SET_MSR_FILTER, filter);
        }
    }

    /** Raises or lowers an input of the interrupt controllers. */
    public void setIrqLine(int gsi, boolean raised) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment level = arena.allocate(8, 8);
            level.set(JAVA_INT, 0, gsi);
            level.set(JAVA_INT, 4, raised ? 1 : 0);
            structure("KVM_IRQ_LINE", KvmCalls.IRQ_LINE, level);
        }
    }

    /**
     * A message-signalled interrupt (Intel SDM 3A, 11.11).
     *
     * @param message a structure made by {@link #msi}, not in use by another thread
     * @return 1 delivered, 0 blocked by the guest, or a negative errno
     */
    public int signal(MemorySegment message) {
        return KvmCalls.ioctl(fd.raw(), KvmCalls.SIGNAL_MSI, message.address());
    }

    /**
     * {@code struct kvm_msi} of an edge to one processor, by its APIC id, for {@link #signal}, to
     * be used for one interrupt after another.
     */
    public static MemorySegment msi(Arena arena, int apicId) {
        MemorySegment msi = arena.allocate(MSI_BYTES, 8);
        msi.set(JAVA_INT, 0, 0xFEE0_0000 | apicId << 12);
        return msi;
    }

    /** Which vector {@code message} raises. */
    public static void setVector(MemorySegment message, int vector) {
        message.set(JAVA_INT, 8, vector);
    }

    /**
     * Signals an eventfd, without an exit to user space, when the guest writes {@code value} to a
     * port.
     *
     * @param width 1, 2 or 4 bytes
     * @param event must stay open until this is undone or the machine closed
     * @param assign false undoes it
     */
    public void portEvent(int port, int width, int value, EventFd event, boolean assign)
            throws LinuxException {
        int raw = event.fd().acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IOEVENTFD_BYTES, 8);
            request.set(JAVA_LONG, 0, Integer.toUnsignedLong(value));
            request.set(JAVA_LONG, 8, port);
            request.set(JAVA_INT, 16, width);
            request.set(JAVA_INT, 20, raw);
            int flags = IOEVENTFD_DATAMATCH | IOEVENTFD_PIO;
            request.set(JAVA_INT, 24, assign ? flags : flags | IOEVENTFD_DEASSIGN);
            structure("KVM_IOEVENTFD", KvmCalls.IOEVENTFD, request);
        } finally {
            event.fd().release();
        }
    }

    /** A new processor; owned by the caller, closed before the machine. */
    public KvmVcpu createVcpu(int id) throws LinuxException {
        int raw = Kvm.check("KVM_CREATE_VCPU", KvmCalls.ioctl(fd.raw(), KvmCalls.CREATE_VCPU, id));
        return KvmVcpu.of(Fd.adopt(raw, "kvm-vcpu-" + id), runBytes);
    }

    @Override
    public void close() {
        fd.close();
    }

    private void number(String call, long request, long argument) throws LinuxException {
        Kvm.check(call, KvmCalls.ioctl(fd.raw(), request, argument));
    }

    private void structure(String call, long request, MemorySegment argument)
            throws LinuxException {
        Kvm.check(call, KvmCalls.ioctl(fd.raw(), request, argument.address()));
    }
}
