package dev.airlock.linux;

import static java.lang.foreign.FunctionDescriptor.of;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Calls on the process and its threads; each returns its result or a negative errno. */
final class ProcessCalls {
    private static final MethodHandle PRCTL =
            Native.variadic(
                    "prctl", 1, of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle SYSCALL3 =
            Native.variadic("syscall", 1, of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS));
    private static final MethodHandle SETGROUPS =
            Native.function("setgroups", of(JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle SETRESUID =
            Native.function("setresuid", of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle SETRESGID =
            Native.function("setresgid", of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle CAPSET =
            Native.function("capset", of(JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle GETEUID = Native.function("geteuid", of(JAVA_INT));
    private static final MethodHandle GETPPID = Native.function("getppid", of(JAVA_INT));

    private ProcessCalls() {}

    /** Only for operations whose arguments are numbers. */
    static int prctl(int operation, long argument2, long argument3) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: numbers only; the unused arguments are zero as newer operations demand.
            return result(
                    frame,
                    (int) PRCTL.invokeExact(frame.errno, operation, argument2, argument3, 0L, 0L));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long seccomp(long operation, long flags, MemorySegment program) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: program is a struct sock_fprog whose filter lives as long; the kernel copies
            // both.
            long returned =
                    (long) SYSCALL3.invokeExact(frame.errno, 317L, operation, flags, program);
            return returned == -1 ? frame.failure() : returned;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int clearGroups() {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: no groups, so the null list is not read; glibc applies it to every thread.
            return result(frame, (int) SETGROUPS.invokeExact(frame.errno, 0L, MemorySegment.NULL));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int setresuid(int uid) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments; glibc applies it to every thread.
            return result(frame, (int) SETRESUID.invokeExact(frame.errno, uid, uid, uid));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int setresgid(int gid) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments; glibc applies it to every thread.
            return result(frame, (int) SETRESGID.invokeExact(frame.errno, gid, gid, gid));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int capset(MemorySegment header, MemorySegment data) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: a version 3 header and its two data structures (24 bytes); acts on the
            // calling thread only.
            return result(frame, (int) CAPSET.invokeExact(frame.errno, header, data));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int geteuid() {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: no arguments; cannot fail, and an id may look negative.
            return (int) GETEUID.invokeExact(frame.errno);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int getppid() {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: no arguments; cannot fail.
            return (int) GETPPID.invokeExact(frame.errno);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static int result(CallFrame frame, int returned) {
        return returned == -1 ? frame.failure() : returned;
    }
}
