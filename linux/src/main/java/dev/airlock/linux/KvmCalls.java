package dev.airlock.linux;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * ioctl(2) of KVM and the signal calls that end a KVM_RUN; each returns its result or a negative
 * errno. The numbers are those of {@code linux/kvm.h} for x86-64.
 */
final class KvmCalls {
    static final long GET_API_VERSION = 0xAE00;
    static final long CREATE_VM = 0xAE01;
    static final long CHECK_EXTENSION = 0xAE03;
    static final long GET_VCPU_MMAP_SIZE = 0xAE04;
    static final long GET_SUPPORTED_CPUID = 0xC008AE05L;
    static final long CREATE_VCPU = 0xAE41;
    static final long SET_USER_MEMORY_REGION = 0x4020AE46;
    static final long SET_TSS_ADDR = 0xAE47;
    static final long SET_IDENTITY_MAP_ADDR = 0x4008AE48;
    static final long CREATE_IRQCHIP = 0xAE60;
    static final long IRQ_LINE = 0x4008AE61;
    static final long IOEVENTFD = 0x4040AE79;
    static final long ENABLE_CAP = 0x4068AEA3;
    static final long GET_TSC_KHZ = 0xAEA3;
    static final long SIGNAL_MSI = 0x4020AEA5;
    static final long X86_SET_MSR_FILTER = 0x4188AEC6;
    static final long RUN = 0xAE80;
    static final long GET_REGS = 0x8090AE81L;
    static final long SET_REGS = 0x4090AE82;
    static final long GET_SREGS = 0x8138AE83L;
    static final long SET_SREGS = 0x4138AE84;
    static final long SET_SIGNAL_MASK = 0x4004AE8B;
    static final long SET_CPUID2 = 0x4008AE90;

    /** {@code asm/unistd_64.h} of x86-64. */
    private static final long NR_TGKILL = 234;

    private static final long NR_GETTID = 186;

    /** {@code asm-generic/signal-defs.h}. */
    private static final long SIG_BLOCK = 0;

    private static final MethodHandle IOCTL = Native.function("ioctl");
    private static final MethodHandle SYSCALL = Native.function("syscall");
    private static final MethodHandle GETPID = Native.function("getpid");
    private static final MethodHandle PTHREAD_SIGMASK = Native.function("pthread_sigmask");
    private static final MethodHandle SIGTIMEDWAIT = Native.function("sigtimedwait");

    private KvmCalls() {}

    static int ioctl(int fd, long request, long argument) {
        // SAFETY: argument is a number, or the address of a structure of the size that the request
        // encodes, which its owner keeps mapped; KVM checks what it says.
        return Native.callInt(IOCTL, fd, request, argument);
    }

    /** KVM_RUN in the caller's own frame: this is the hot call of a machine. */
    static int run(CallFrame frame, int vcpu) {
        // SAFETY: no memory argument; the run page belongs to the descriptor.
        return Native.callInt(IOCTL, frame, vcpu, RUN, 0, 0, 0, 0);
    }

    static int threadId() {
        // SAFETY: no arguments; cannot fail.
        return Native.callInt(SYSCALL, NR_GETTID, 0, 0);
    }

    static int kill(int threadId, int signal) {
        CallFrame frame = CallFrame.current();
        int process = Native.number(GETPID, frame, 0, 0, 0, 0, 0, 0);
        // SAFETY: numbers only; a thread of this process that has the signal blocked.
        return Native.callInt(SYSCALL, frame, NR_TGKILL, process, threadId, signal, 0, 0);
    }

    /** Returns 0 or a positive errno, as pthread functions do. */
    static int block(MemorySegment set, MemorySegment old) {
        // SAFETY: two sigset_t of 128 bytes in an arena of the caller.
        return Native.callInt(PTHREAD_SIGMASK, SIG_BLOCK, set.address(), old.address());
    }

    static int consume(MemorySegment set, MemorySegment noTime) {
        // SAFETY: a sigset_t and a zero timespec in an arena of the caller; no siginfo is asked.
        return Native.callInt(SIGTIMEDWAIT, set.address(), 0, noTime.address());
    }
}
