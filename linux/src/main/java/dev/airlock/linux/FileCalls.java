package dev.airlock.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;

/** Calls on descriptors and files; each returns its result or a negative errno. */
final class FileCalls {
    /** {@code linux/fcntl.h} and {@code asm-generic/fcntl.h}. */
    static final int F_GETFL = 3;

    static final int F_SETFL = 4;

    static final int F_OFD_SETLK = 37;
    static final int F_DUPFD_CLOEXEC = 1030;
    static final int F_ADD_SEALS = 1033;
    static final int F_GET_SEALS = 1034;

    private static final MethodHandle CLOSE = Native.function("close");
    private static final MethodHandle OPEN = Native.function("open");
    private static final MethodHandle FCNTL = Native.function("fcntl");
    private static final MethodHandle IOCTL = Native.function("ioctl");
    private static final MethodHandle FDATASYNC = Native.function("fdatasync");
    private static final MethodHandle FALLOCATE = Native.function("fallocate");
    private static final MethodHandle FTRUNCATE = Native.function("ftruncate");
    private static final MethodHandle LSEEK = Native.function("lseek");
    private static final MethodHandle STATX = Native.function("statx");
    private static final MethodHandle FSTATFS = Native.function("fstatfs");
    private static final MethodHandle FLOCK = Native.function("flock");
    private static final MethodHandle EVENTFD = Native.function("eventfd");

    // The handles of hot calls are not final, on purpose. A downcall slices the segment that
    // receives errno; the compiler removes that slice where the downcall is compiled in a small
    // method, but not always where it was inlined into a large one. A handle that is not a constant
    // is not inlined, so that these calls allocate nothing whoever makes them.
    private static MethodHandle WRITE = Native.function("write");
    private static MethodHandle PREADV2 = Native.function("preadv2");
    private static MethodHandle PWRITEV2 = Native.function("pwritev2");
    private static MethodHandle PREAD_ONE = Native.function("pread");
    private static MethodHandle PWRITE_ONE = Native.function("pwrite");
    private static MethodHandle POLL = Native.function("poll");

    /** Made when first used: they have a shape of their own, see {@link Native}. */
    private static final class Positioned {
        private static final MethodHandle PREAD = Native.memoryFunction("pread");
        private static final MethodHandle PWRITE = Native.memoryFunction("pwrite");
    }

    private FileCalls() {}

    static int close(int fd) {
        // SAFETY: Fd passes each number exactly once.
        return Native.callInt(CLOSE, fd, 0, 0);
    }

    static int open(MemorySegment path, int flags, int mode) {
        // SAFETY: path is a NUL-terminated string in an arena of the calling thread.
        return Native.callInt(OPEN, path.address(), flags, mode);
    }

    static int fcntl(int fd, int operation, long argument) {
        // SAFETY: used only for operations whose argument is a number.
        return Native.callInt(FCNTL, fd, operation, argument);
    }

    static int fcntl(int fd, int operation, MemorySegment argument) {
        // SAFETY: used only with F_OFD_SETLK and a complete struct flock in an arena of the calling
        // thread.
        return Native.callInt(FCNTL, fd, operation, argument.address());
    }

    static int ioctl(int fd, long request, MemorySegment argument) {
        // SAFETY: used only with block device requests and an argument of the size each one is
        // documented with, in an arena of the calling thread.
        return Native.callInt(IOCTL, fd, request, argument.address());
    }

    static long write(int fd, MemorySegment from, long bytes) {
        // SAFETY: bytes is at most the size of from, which is never freed (EventFd's constants).
        return Native.call(WRITE, CallFrame.current(), fd, from.address(), bytes, 0, 0, 0);
    }

    static long pread(int fd, MemorySegment into, long bytes, long offset) {
        return positioned(Positioned.PREAD, fd, into, bytes, offset);
    }

    static long pwrite(int fd, MemorySegment from, long bytes, long offset) {
        return positioned(Positioned.PWRITE, fd, from, bytes, offset);
    }

    private static long positioned(
            MethodHandle function, int fd, MemorySegment memory, long bytes, long offset) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: bytes is at most the size of memory, which is native and cannot be closed
            // while the call runs.
            long result =
                    (long) function.invokeExact(frame.errno, (long) fd, memory, bytes, offset);
            return result == -1 ? frame.failure() : result;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long preadv2(
            CallFrame frame, int fd, MemorySegment iovecs, int count, long offset, int flags) {
        // SAFETY: the caller holds count iovecs over memory that stays mapped during the call
        // (FileIo's contract). The kernel takes the offset in two halves; on 64-bit machines the
        // second is ignored and the C library's function has one.
        long result = Native.call(PREADV2, frame, fd, iovecs.address(), count, offset, flags, 0);
        Reference.reachabilityFence(iovecs); // an address alone keeps nothing alive
        return result;
    }

    /** preadv2 of one piece without flags, which the kernel takes in less time as pread. */
    static long preadOne(CallFrame frame, int fd, MemorySegment iovec, long offset) {
        // SAFETY: as in preadv2, with a count of one.
        long result =
                Native.call(
                        PREAD_ONE, frame, fd, iovecBase(iovec), iovecBytes(iovec), offset, 0, 0);
        Reference.reachabilityFence(iovec);
        return result;
    }

    /** pwritev2 of one piece without flags. */
    static long pwriteOne(CallFrame frame, int fd, MemorySegment iovec, long offset) {
        // SAFETY: as in preadv2, with a count of one.
        long result =
                Native.call(
                        PWRITE_ONE, frame, fd, iovecBase(iovec), iovecBytes(iovec), offset, 0, 0);
        Reference.reachabilityFence(iovec);
        return result;
    }

    /** {@code iov_base}. */
    private static long iovecBase(MemorySegment iovec) {
        return iovec.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }

    /** {@code iov_len}. */
    private static long iovecBytes(MemorySegment iovec) {
        return iovec.get(ValueLayout.JAVA_LONG_UNALIGNED, Long.BYTES);
    }

    static long pwritev2(
            CallFrame frame, int fd, MemorySegment iovecs, int count, long offset, int flags) {
        // SAFETY: as in preadv2.
        long result = Native.call(PWRITEV2, frame, fd, iovecs.address(), count, offset, flags, 0);
        Reference.reachabilityFence(iovecs); // an address alone keeps nothing alive
        return result;
    }

    static int fdatasync(int fd) {
        // SAFETY: an integer argument.
        return Native.callInt(FDATASYNC, fd, 0, 0);
    }

    static int fallocate(int fd, int mode, long offset, long bytes) {
        // SAFETY: integer arguments.
        return Native.callInt(FALLOCATE, CallFrame.current(), fd, mode, offset, bytes, 0, 0);
    }

    static int ftruncate(int fd, long bytes) {
        // SAFETY: integer arguments.
        return Native.callInt(FTRUNCATE, fd, bytes, 0);
    }

    static long lseek(int fd, long offset, int whence) {
        // SAFETY: integer arguments.
        return Native.call(LSEEK, CallFrame.current(), fd, offset, whence, 0, 0, 0);
    }

    static int statx(int dirFd, MemorySegment path, int flags, int mask, MemorySegment into) {
        // SAFETY: path is a NUL-terminated string and into holds a struct statx (256 bytes), both
        // in an arena of the calling thread.
        return Native.callInt(
                STATX, CallFrame.current(), dirFd, path.address(), flags, mask, into.address(), 0);
    }

    static int fstatfs(int fd, MemorySegment into) {
        // SAFETY: into holds a struct statfs (120 bytes) in an arena of the calling thread.
        return Native.callInt(FSTATFS, fd, into.address(), 0);
    }

    static int flock(int fd, int operation) {
        // SAFETY: integer arguments.
        return Native.callInt(FLOCK, fd, operation, 0);
    }

    static int poll(CallFrame frame, MemorySegment pollFds, int count, int timeoutMs) {
        // SAFETY: pollFds holds count struct pollfd and belongs to the calling thread's frame or to
        // a Poll that it uses; the caller holds every descriptor in it.
        int result = Native.callInt(POLL, frame, pollFds.address(), count, timeoutMs, 0, 0, 0);
        Reference.reachabilityFence(pollFds); // an address alone keeps nothing alive
        return result;
    }

    static int eventfd(int initial, int flags) {
        // SAFETY: integer arguments.
        return Native.callInt(EVENTFD, initial, flags, 0);
    }
}
