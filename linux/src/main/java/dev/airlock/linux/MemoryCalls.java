package dev.airlock.linux;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Calls on address space; each returns its result or a negative errno. */
final class MemoryCalls {
    private static final MethodHandle MMAP = Native.function("mmap");
    private static final MethodHandle MUNMAP = Native.function("munmap");
    private static final MethodHandle MADVISE = Native.function("madvise");
    private static final MethodHandle MPROTECT = Native.function("mprotect");
    private static final MethodHandle MEMFD_CREATE = Native.function("memfd_create");

    private MemoryCalls() {}

    /** The address of the mapping (positive in user space) or a negative errno. */
    static long mmap(long address, long bytes, int protection, int flags, int fd, long offset) {
        // SAFETY: MAP_FIXED is used only by Mapping, inside a reservation it owns.
        return Native.call(
                MMAP, CallFrame.current(), address, bytes, protection, flags, fd, offset);
    }

    static int munmap(long address, long bytes) {
        // SAFETY: called only by the closing of the arena that owns exactly this range.
        return Native.callInt(MUNMAP, address, bytes, 0);
    }

    static int madvise(long address, long bytes, int advice) {
        // SAFETY: the range lies in a mapping that the caller owns; the advice does not move or
        // free it.
        return Native.callInt(MADVISE, address, bytes, advice);
    }

    static int mprotect(long address, long bytes, int protection) {
        // SAFETY: the range lies in a mapping that the caller owns; what is not to be touched any
        // more is its duty.
        return Native.callInt(MPROTECT, address, bytes, protection);
    }

    static int memfdCreate(MemorySegment name, int flags) {
        // SAFETY: name is a NUL-terminated string in an arena of the calling thread.
        return Native.callInt(MEMFD_CREATE, name.address(), flags, 0);
    }
}
