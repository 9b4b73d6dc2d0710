package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One processor of a KVM machine. Everything but {@link #kick} is for the thread that runs it,
 * which calls {@link #bind} first. What an exit says is read from {@link #page} by the offsets
 * here, those of {@code struct kvm_run} in {@code linux/kvm.h}; registers are in it too
 * (KVM_CAP_SYNC_REGS).
 */
public final class KvmVcpu implements AutoCloseable {
    public static final int EXIT_IO = 2;
    public static final int EXIT_MMIO = 6;
    public static final int EXIT_SHUTDOWN = 8;
    public static final int EXIT_FAIL_ENTRY = 9;
    public static final int EXIT_INTR = 10;
    public static final int EXIT_INTERNAL_ERROR = 17;
    public static final int EXIT_RDMSR = 29;
    public static final int EXIT_WRMSR = 30;
    public static final int EXIT_MEMORY_FAULT = 39;

    public static final long IO_DIRECTION_OFFSET = 32;
    public static final long IO_SIZE_OFFSET = 33;
    public static final long IO_PORT_OFFSET = 34;
    public static final long IO_COUNT_OFFSET = 36;
    public static final long IO_DATA_OFFSET_OFFSET = 40;
    public static final long MMIO_ADDRESS_OFFSET = 32;
    public static final long MMIO_DATA_OFFSET = 40;
    public static final long MMIO_LENGTH_OFFSET = 48;
    public static final long MMIO_IS_WRITE_OFFSET = 52;
    public static final long MSR_ERROR_OFFSET = 32;
    public static final long MSR_INDEX_OFFSET = 44;
    public static final long MSR_DATA_OFFSET = 48;
    public static final long SUBERROR_OFFSET = 32;
    public static final long FAULT_ADDRESS_OFFSET = 40;

    /** Registers within the page, {@code struct kvm_regs}. */
    public static final long RAX_OFFSET = 304;

    public static final long RCX_OFFSET = RAX_OFFSET + 16;
    public static final long RDX_OFFSET = RAX_OFFSET + 24;
    public static final long RSI_OFFSET = RAX_OFFSET + 32;
    public static final long RSP_OFFSET = RAX_OFFSET + 48;
    public static final long RIP_OFFSET = RAX_OFFSET + 128;

    private static final long IMMEDIATE_EXIT_OFFSET = 1;
    private static final long EXIT_REASON_OFFSET = 8;
    private static final long VALID_REGS_OFFSET = 288;
    private static final long DIRTY_REGS_OFFSET = 296;
    private static final long SYNC_REGS = 1;

    /** A real-time signal that neither the JVM nor the C library uses. */
    private static final int KICK_SIGNAL = 42;

    private static final long SIGSET_BYTES = 128;
    private static final long REGS_BYTES = 144;
    private static final long SREGS_BYTES = 312;
    private static final long SEGMENT_BYTES = 24;

    private final Fd fd;
    private final int raw;
    private final Mapping mapping;
    private final MemorySegment page;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment kickSet = arena.allocate(SIGSET_BYTES, 8);
    private final MemorySegment noTime = arena.allocate(16, 8);

    /** 0 while no thread is bound. Guarded by this, so that no kick comes after {@link #unbind}. */
    private int threadId;

    private KvmVcpu(Fd fd, Mapping mapping) {
        this.fd = fd;
        this.raw = fd.raw();
        this.mapping = mapping;
        this.page = mapping.segment();
        kickSet.set(JAVA_LONG, 0, 1L << (KICK_SIGNAL - 1));
        page.set(JAVA_LONG, VALID_REGS_OFFSET, SYNC_REGS);
    }

    static KvmVcpu of(Fd fd, int runBytes) throws LinuxException {
        try {
            return new KvmVcpu(fd, Mapping.shared(fd, 0, runBytes));
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** The page shared with the kernel. Not the guest's to write. */
    public MemorySegment page() {
        return page;
    }

    /** Makes the calling thread this processor's: only then can {@link #kick} reach it. */
    public void bind() throws LinuxException {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment old = local.allocate(SIGSET_BYTES, 8);
            int failed = KvmCalls.block(kickSet, old);
            if (failed != 0) {
                throw new LinuxException("pthread_sigmask", "signal=" + KICK_SIGNAL, failed);
            }
            // Inside KVM_RUN the kick's signal alone is let through, and ends it with EINTR.
            MemorySegment mask = local.allocate(16, 8);
            mask.set(JAVA_INT, 0, 8);
            mask.set(
                    java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED,
                    4,
                    old.get(JAVA_LONG, 0) & ~(1L << (KICK_SIGNAL - 1)));
            structure("KVM_SET_SIGNAL_MASK", KvmCalls.SET_SIGNAL_MASK, mask);
        }
        synchronized (this) {
            threadId = KvmCalls.threadId();
        }
    }

    /**
     * Ends what {@link #bind} began, before the thread ends: a thread of a JVM unblocks all signals
     * then, and a kick that is still pending would kill the process.
     */
    public void unbind() {
        synchronized (this) {
            threadId = 0;
        }
        KvmCalls.consume(kickSet, noTime);
    }

    /**
     * Runs the guest until it needs user space.
     *
     * @return an exit reason, {@link #EXIT_INTR} after a kick, or a negative errno: EFAULT when the
     *     guest touched a page that this process has no access to
     */
    public int run() {
        int result = KvmCalls.run(CallFrame.current(), raw);
        if (result == 0) {
            return page.get(JAVA_INT, EXIT_REASON_OFFSET);
        }
        if (result == -Errno.EINTR || result == -Errno.EAGAIN) {
            KvmCalls.consume(kickSet, noTime);
            return EXIT_INTR;
        }
        return result;
    }

    /** Makes {@link #run} return now, and at once whenever it is called from now on. */
    public synchronized void kick() {
        page.set(JAVA_BYTE, IMMEDIATE_EXIT_OFFSET, (byte) 1);
        if (threadId != 0) {
            KvmCalls.kill(threadId, KICK_SIGNAL);
        }
    }

    /** A register of the last exit; an offset of this class. */
    public long register(long offset) {
        return page.get(JAVA_LONG, offset);
    }

    /** Changes a register for the next run. */
    public void setRegister(long offset, long value) {
        page.set(JAVA_LONG, offset, value);
        page.set(JAVA_LONG, DIRTY_REGS_OFFSET, SYNC_REGS);
    }

    /** What CPUID tells this processor's guest. */
    public void setCpuid(List<CpuidEntry> entries) throws LinuxException {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment table = local.allocate(8 + entries.size() * CpuidEntry.BYTES, 8);
            table.set(JAVA_INT, 0, entries.size());
            for (int i = 0; i < entries.size(); i++) {
                entries.get(i).write(table, 8 + i * CpuidEntry.BYTES);
            }
            structure("KVM_SET_CPUID2", KvmCalls.SET_CPUID2, table);
        }
    }

    /** Cycles of this processor's time stamp counter in a millisecond. */
    public int tscKhz() throws LinuxException {
        return Kvm.check("KVM_GET_TSC_KHZ", KvmCalls.ioctl(raw, KvmCalls.GET_TSC_KHZ, 0));
    }

    /**
     * Puts the processor into 64-bit mode with flat segments (Intel SDM 3A, 10.8.5).
     *
     * @param entry first instruction
     * @param rsi what the program expects there
     * @param rsp end of a stack
     * @param pageTable CR3: identity page tables in guest memory
     * @param gdt where the guest's own GDT is, with code at 0x10 and data at 0x18
     * @param gdtLimit its last byte's offset
     */
    public void startInLongMode(
            long entry, long rsi, long rsp, long pageTable, long gdt, int gdtLimit)
            throws LinuxException {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment s = local.allocate(SREGS_BYTES, 8);
            structure("KVM_GET_SREGS", KvmCalls.GET_SREGS, s);
            segment(s, 0, 0x10, 0xB, true);
            for (int other = 1; other < 6; other++) {
                segment(s, other * SEGMENT_BYTES, 0x18, 0x3, false);
            }
            s.set(JAVA_LONG, 192, gdt);
            s.set(JAVA_SHORT, 200, (short) gdtLimit);
            s.set(
                    JAVA_LONG,
                    224,
                    1L << 31 | 1L << 4 | 1); // CR0: paging, extension type, protection
            s.set(JAVA_LONG, 240, pageTable);
            s.set(JAVA_LONG, 248, 1L << 5); // CR4: physical address extension
            s.set(JAVA_LONG, 264, 1L << 8 | 1L << 10); // EFER: long mode enabled, active
            structure("KVM_SET_SREGS", KvmCalls.SET_SREGS, s);
            MemorySegment r = local.allocate(REGS_BYTES, 8);
            r.set(JAVA_LONG, RSI_OFFSET - RAX_OFFSET, rsi);
            r.set(JAVA_LONG, RSP_OFFSET - RAX_OFFSET, rsp);
            r.set(JAVA_LONG, RIP_OFFSET - RAX_OFFSET, entry);
            r.set(JAVA_LONG, 136, 2); // RFLAGS: bit 1 is always set
            structure("KVM_SET_REGS", KvmCalls.SET_REGS, r);
        }
    }

    /** The registers as they are now, for a report; only between runs. */
    public String describe() {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment r = local.allocate(REGS_BYTES, 8);
            MemorySegment s = local.allocate(SREGS_BYTES, 8);
            if (KvmCalls.ioctl(raw, KvmCalls.GET_REGS, r.address()) < 0
                    || KvmCalls.ioctl(raw, KvmCalls.GET_SREGS, s.address()) < 0) {
                return "no registers";
            }
            return "rip=%#x rax=%#x rcx=%#x rdx=%#x rsp=%#x cr0=%#x cr2=%#x cr3=%#x cr4=%#x"
                    .formatted(
                            r.get(JAVA_LONG, 128),
                            r.get(JAVA_LONG, 0),
                            r.get(JAVA_LONG, 16),
                            r.get(JAVA_LONG, 24),
                            r.get(JAVA_LONG, 48),
                            s.get(JAVA_LONG, 224),
                            s.get(JAVA_LONG, 232),
                            s.get(JAVA_LONG, 240),
                            s.get(JAVA_LONG, 248));
        }
    }

    /** After the thread that runs it has ended. */
    @Override
    public void close() {
        if (fd.isOpen()) {
            fd.close();
            mapping.close();
            arena.close();
        }
    }

    private static void segment(
            MemorySegment sregs, long at, int selector, int type, boolean code) {
        sregs.set(JAVA_LONG, at, 0);
        sregs.set(JAVA_INT, at + 8, 0xFFFF_FFFF);
        sregs.set(JAVA_SHORT, at + 12, (short) selector);
        sregs.set(JAVA_BYTE, at + 14, (byte) type);
        sregs.set(JAVA_BYTE, at + 15, (byte) 1); // present
        sregs.set(JAVA_BYTE, at + 16, (byte) 0); // dpl
        sregs.set(JAVA_BYTE, at + 17, (byte) (code ? 0 : 1)); // db
        sregs.set(JAVA_BYTE, at + 18, (byte) 1); // code or data
        sregs.set(JAVA_BYTE, at + 19, (byte) (code ? 1 : 0)); // 64-bit
        sregs.set(JAVA_BYTE, at + 20, (byte) 1); // granularity
        sregs.set(JAVA_BYTE, at + 22, (byte) 0); // usable
    }

    private void structure(String call, long request, MemorySegment argument)
            throws LinuxException {
        Kvm.check(call, KvmCalls.ioctl(raw, request, argument.address()));
    }
}
