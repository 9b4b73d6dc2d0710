package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** Binds functions of the C library. Every {@code *Calls} class builds its handles here. */
final class Native {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBC = LINKER.defaultLookup();
    private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");

    /**
     * The one shape in which the C library is called: numbers in registers. A shape costs some
     * milliseconds when the first handle of it is made, on each start of each process, so that a
     * shape per function would cost more than all else a start does. It fits them all: the System V
     * ABI of x86-64 (section 3.2.3) and AAPCS64 (section 6.8.2) pass pointers, {@code int} and
     * {@code long}, variadic ones too, in the same six registers; a callee reads the low half of
     * what holds an {@code int}, and leaves alone the registers that it has no parameter for.
     */
    private static final FunctionDescriptor NUMBERS =
            FunctionDescriptor.of(
                    JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    /** A number, memory that must stay mapped while the call runs, and two numbers more. */
    private static final FunctionDescriptor MEMORY =
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG);

    private Native() {}

    /** A function that may block, for {@link #call} and {@link #callInt}. */
    static MethodHandle function(String name) {
        return LINKER.downcallHandle(address(name), NUMBERS, CAPTURE_ERRNO);
    }

    /**
     * A function {@code f(number, memory, number, number)} that may block; while it runs the memory
     * cannot be closed by another thread.
     */
    static MethodHandle memoryFunction(String name) {
        return LINKER.downcallHandle(address(name), MEMORY, CAPTURE_ERRNO);
    }

    /**
     * A function that returns at once and never blocks: called without a thread state transition,
     * errno not captured.
     */
    static MethodHandle critical(String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(address(name), type, Linker.Option.critical(false));
    }

    /**
     * Calls a function whose result is a {@code long}. Memory is passed by {@link
     * MemorySegment#address}; it is the caller's duty that it stays mapped.
     *
     * @return its result, or the negative errno where it is -1
     */
    static long call(
            MethodHandle function,
            CallFrame frame,
            long a1,
            long a2,
            long a3,
            long a4,
            long a5,
            long a6) {
        try {
            // SAFETY: the register contract of NUMBERS; what the numbers mean is said where each
            // function is called.
            long result = (long) function.invokeExact(frame.errno, a1, a2, a3, a4, a5, a6);
            return result == -1 ? frame.failure() : result;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /**
     * Calls a function whose result is an {@code int}; see {@link #call}.
     *
     * @return its result, or the negative errno where it is -1
     */
    static int callInt(
            MethodHandle function,
            CallFrame frame,
            long a1,
            long a2,
            long a3,
            long a4,
            long a5,
            long a6) {
        int result = number(function, frame, a1, a2, a3, a4, a5, a6);
        return result == -1 ? frame.failure() : result;
    }

    /** {@link #callInt} for at most three arguments, in the calling thread's frame. */
    static int callInt(MethodHandle function, long a1, long a2, long a3) {
        return callInt(function, CallFrame.current(), a1, a2, a3, 0, 0, 0);
    }

    /** The plain result of a function that cannot fail, whose result may be -1. */
    static int number(
            MethodHandle function,
            CallFrame frame,
            long a1,
            long a2,
            long a3,
            long a4,
            long a5,
            long a6) {
        try {
            // SAFETY: as in call; the upper half of the result register is not defined and dropped.
            return (int) (long) function.invokeExact(frame.errno, a1, a2, a3, a4, a5, a6);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** A copy of {@code text} as a C string, living as long as {@code arena}. */
    static MemorySegment string(Arena arena, String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("NUL character in text=" + text.replace('\0', '?'));
        }
        return arena.allocateFrom(text);
    }

    /**
     * A downcall handle throws nothing that a caller could handle: whatever arrives is a bug or the
     * VM's own error.
     */
    static RuntimeException unexpected(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
        throw new AssertionError(thrown);
    }

    private static MemorySegment address(String name) {
        return LIBC.find(name)
                .orElseThrow(
                        () -> new UnsatisfiedLinkError("the C library lacks function=" + name));
    }
}
