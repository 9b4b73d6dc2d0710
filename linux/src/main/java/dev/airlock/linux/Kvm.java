package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * /dev/kvm (Documentation/virt/kvm/api.rst). Thread-safe; owns the descriptor. Only the x86-64
 * interface is bound.
 */
public final class Kvm implements AutoCloseable {
    /** Where the device is. */
    public static final Path DEVICE = Path.of("/dev/kvm");

    /** {@code linux/kvm.h}, KVM_CAP_*. */
    public static final int CAP_SYNC_REGS = 74;

    public static final int CAP_IMMEDIATE_EXIT = 136;
    public static final int CAP_X86_USER_SPACE_MSR = 188;
    public static final int CAP_X86_MSR_FILTER = 189;

    /** KVM_GET_API_VERSION: the only one there has ever been. */
    private static final int API_VERSION = 12;

    private static final int CPUID_ENTRIES_MAX = 256;
    private static final int CPUID_HEADER_BYTES = 8;

    private final Fd fd;

    private Kvm(Fd fd) {
        this.fd = fd;
    }

    /**
     * Opens the device.
     *
     * @throws LinuxException when it is missing, not permitted, or not KVM
     */
    public static Kvm open() throws IOException {
        Fd fd = FileIo.open(DEVICE, FileIo.O_RDWR);
        int version = KvmCalls.ioctl(fd.raw(), KvmCalls.GET_API_VERSION, 0);
        if (version != API_VERSION) {
            fd.close();
            throw new LinuxException(
                    "KVM_GET_API_VERSION", "version=" + version + " " + DEVICE, Errno.EINVAL);
        }
        return new Kvm(fd);
    }

    /** What KVM_CHECK_EXTENSION says of a capability: 0 for none. */
    public int capability(int number) {
        return Math.max(0, KvmCalls.ioctl(fd.raw(), KvmCalls.CHECK_EXTENSION, number));
    }

    /** The CPUID leaves that this KVM can give a guest. */
    public List<CpuidEntry> supportedCpuid() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment table =
                    arena.allocate(CPUID_HEADER_BYTES + CPUID_ENTRIES_MAX * CpuidEntry.BYTES, 8);
            table.set(JAVA_INT, 0, CPUID_ENTRIES_MAX);
            check(
                    "KVM_GET_SUPPORTED_CPUID",
                    KvmCalls.ioctl(fd.raw(), KvmCalls.GET_SUPPORTED_CPUID, table.address()));
            int count = table.get(JAVA_INT, 0);
            List<CpuidEntry> entries = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                entries.add(
                        CpuidEntry.read(table, CPUID_HEADER_BYTES + (long) i * CpuidEntry.BYTES));
            }
            return entries;
        }
    }

    /** A new machine without memory or processors; owned by the caller. */
    public KvmVm createVm() throws LinuxException {
        int raw = check("KVM_CREATE_VM", KvmCalls.ioctl(fd.raw(), KvmCalls.CREATE_VM, 0));
        int runBytes =
                check(
                        "KVM_GET_VCPU_MMAP_SIZE",
                        KvmCalls.ioctl(fd.raw(), KvmCalls.GET_VCPU_MMAP_SIZE, 0));
        return new KvmVm(Fd.adopt(raw, "kvm-vm"), runBytes);
    }

    @Override
    public void close() {
        fd.close();
    }

    /** Returns {@code result}, or throws where it is a negative errno. */
    static int check(String call, int result) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, "", -result);
        }
        return result;
    }
}
