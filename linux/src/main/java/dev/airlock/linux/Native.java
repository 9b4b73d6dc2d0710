package dev.airlock.linux;

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

    private Native() {}

    /** A function that may block; its first argument becomes the segment that receives errno. */
    static MethodHandle function(String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(address(name), type, CAPTURE_ERRNO);
    }

    /**
     * As {@link #function} for {@code f(a, b, ...)}, whose variadic arguments begin at {@code
     * firstVariadic}.
     */
    static MethodHandle variadic(String name, int firstVariadic, FunctionDescriptor type) {
        return LINKER.downcallHandle(
                address(name), type, CAPTURE_ERRNO, Linker.Option.firstVariadicArg(firstVariadic));
    }

    /**
     * A function that returns at once and never blocks: called without a thread state transition,
     * errno not captured.
     */
    static MethodHandle critical(String name, FunctionDescriptor type) {
        return LINKER.downcallHandle(address(name), type, Linker.Option.critical(false));
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
