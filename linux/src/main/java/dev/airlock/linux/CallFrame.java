package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What one thread needs to call the C library without allocating: the captured errno, one word to
 * read into with an iovec around it, and two pollfd structures. Freed by the garbage collector
 * after its thread ended.
 */
final class CallFrame {
    private static final VarHandle ERRNO =
            MethodHandles.insertCoordinates(
                    Linker.Option.captureStateLayout()
                            .varHandle(MemoryLayout.PathElement.groupElement("errno")),
                    1,
                    0L);
    private static final ThreadLocal<CallFrame> FRAMES = ThreadLocal.withInitial(CallFrame::new);

    final MemorySegment errno;
    final MemorySegment word;
    final MemorySegment wordIovec;
    final MemorySegment pollFds;

    private CallFrame() {
        Arena arena = Arena.ofAuto();
        errno = arena.allocate(Linker.Option.captureStateLayout());
        word = arena.allocate(16, 8);
        wordIovec = arena.allocate(16, 8);
        wordIovec.set(ADDRESS, 0, word);
        wordIovec.set(JAVA_LONG, 8, 8);
        pollFds = arena.allocate(2L * Poll.POLLFD_BYTES, 8);
    }

    static CallFrame current() {
        return FRAMES.get();
    }

    /** The negative errno of the call this thread has just made. */
    int failure() {
        return -(int) ERRNO.get(errno);
    }
}
