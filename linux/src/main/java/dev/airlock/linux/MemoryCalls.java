package dev.airlock.linux;

import static java.lang.foreign.FunctionDescriptor.of;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Calls on address space; each returns its result or a negative errno. */
final class MemoryCalls {
    private static final MethodHandle MMAP =
            Native.function(
                    "mmap",
                    of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP =
            Native.function("munmap", of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MADVISE =
            Native.function("madvise", of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle MEMFD_CREATE =
            Native.function("memfd_create", of(JAVA_INT, ADDRESS, JAVA_INT));

    private MemoryCalls() {}

    /** The address of the mapping (positive in user space) or a negative errno. */
    static long mmap(long address, long bytes, int protection, int flags, int fd, long offset) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: MAP_FIXED is used only by Mapping, inside a reservation it owns.
            long at =
                    (long)
                            MMAP.invokeExact(
                                    frame.errno, address, bytes, protection, flags, fd, offset);
            return at == -1 ? frame.failure() : at;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int munmap(long address, long bytes) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: called only by the closing of the arena that owns exactly this range.
            return (int) MUNMAP.invokeExact(frame.errno, address, bytes) == -1
                    ? frame.failure()
                    : 0;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int madvise(long address, long bytes, int advice) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: the range lies in a mapping that the caller owns; the advice does not move or
            // free it.
            return (int) MADVISE.invokeExact(frame.errno, address, bytes, advice) == -1
                    ? frame.failure()
                    : 0;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int memfdCreate(MemorySegment name, int flags) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: name is a NUL-terminated string that outlives the call.
            int fd = (int) MEMFD_CREATE.invokeExact(frame.errno, name, flags);
            return fd == -1 ? frame.failure() : fd;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
