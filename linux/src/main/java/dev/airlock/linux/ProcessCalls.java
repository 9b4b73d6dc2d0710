package dev.airlock.linux;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Calls on the process and its threads; each returns its result or a negative errno. */
final class ProcessCalls {
    /** {@code asm/unistd_64.h} of x86-64. */
    private static final long NR_SECCOMP = 317;

    /** {@code asm-generic/signal-defs.h}. */
    static final long SIG_DFL = 0;

    static final long SIG_IGN = 1;

    private static final MethodHandle PRCTL = Native.function("prctl");
    private static final MethodHandle SYSCALL = Native.function("syscall");
    private static final MethodHandle SETGROUPS = Native.function("setgroups");
    private static final MethodHandle SETRESUID = Native.function("setresuid");
    private static final MethodHandle SETRESGID = Native.function("setresgid");
    private static final MethodHandle CAPSET = Native.function("capset");
    private static final MethodHandle SIGNAL = Native.function("signal");
    private static final MethodHandle GETEUID = Native.function("geteuid");
    private static final MethodHandle GETPPID = Native.function("getppid");

    private ProcessCalls() {}

    /** Only for operations whose arguments are numbers. */
    static int prctl(int operation, long argument2, long argument3) {
        // SAFETY: numbers only; the unused arguments are zero as newer operations demand.
        return Native.callInt(PRCTL, operation, argument2, argument3);
    }

    static long seccomp(long operation, long flags, MemorySegment program) {
        // SAFETY: program is a struct sock_fprog whose filter lives as long; the kernel copies
        // both.
        return Native.call(
                SYSCALL,
                CallFrame.current(),
                NR_SECCOMP,
                operation,
                flags,
                program.address(),
                0,
                0);
    }

    static int clearGroups() {
        // SAFETY: no groups, so the null list is not read; glibc applies it to every thread.
        return Native.callInt(SETGROUPS, 0, 0, 0);
    }

    static int setresuid(int uid) {
        // SAFETY: integer arguments; glibc applies it to every thread.
        return Native.callInt(SETRESUID, uid, uid, uid);
    }

    static int setresgid(int gid) {
        // SAFETY: integer arguments; glibc applies it to every thread.
        return Native.callInt(SETRESGID, gid, gid, gid);
    }

    static int capset(MemorySegment header, MemorySegment data) {
        // SAFETY: a version 3 header and its two data structures (24 bytes) in an arena of the
        // calling thread, on which alone it acts.
        return Native.callInt(CAPSET, header.address(), data.address(), 0);
    }

    /** Only for {@link #SIG_DFL} and {@link #SIG_IGN}: the result is an address, of no use. */
    static long signal(int signal, long handler) {
        // SAFETY: numbers only; no code of ours becomes a handler.
        return Native.call(SIGNAL, CallFrame.current(), signal, handler, 0, 0, 0, 0);
    }

    static int geteuid() {
        // SAFETY: no arguments; cannot fail, and an id may look negative.
        return Native.number(GETEUID, CallFrame.current(), 0, 0, 0, 0, 0, 0);
    }

    static int getppid() {
        // SAFETY: no arguments; cannot fail.
        return Native.number(GETPPID, CallFrame.current(), 0, 0, 0, 0, 0, 0);
    }
}
