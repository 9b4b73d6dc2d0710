package dev.airlock.linux;

import static java.lang.foreign.FunctionDescriptor.of;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Calls on descriptors and files; each returns its result or a negative errno. */
final class FileCalls {
    /** {@code linux/fcntl.h} and {@code asm-generic/fcntl.h}. */
    static final int F_GETFL = 3;

    static final int F_SETFL = 4;

    static final int F_OFD_SETLK = 37;
    static final int F_DUPFD_CLOEXEC = 1030;
    static final int F_ADD_SEALS = 1033;
    static final int F_GET_SEALS = 1034;

    private static final MethodHandle CLOSE = Native.function("close", of(JAVA_INT, JAVA_INT));
    private static final MethodHandle OPEN =
            Native.variadic("open", 2, of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle FCNTL_LONG =
            Native.variadic("fcntl", 2, of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle FCNTL_POINTER =
            Native.variadic("fcntl", 2, of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle IOCTL =
            Native.variadic("ioctl", 2, of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle PREAD =
            Native.function("pread", of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle PWRITE =
            Native.function("pwrite", of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle FDATASYNC =
            Native.function("fdatasync", of(JAVA_INT, JAVA_INT));
    private static final MethodHandle FALLOCATE =
            Native.function("fallocate", of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle FTRUNCATE =
            Native.function("ftruncate", of(JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle LSEEK =
            Native.function("lseek", of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle STATX =
            Native.function("statx", of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle FSTATFS =
            Native.function("fstatfs", of(JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle FLOCK =
            Native.function("flock", of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle EVENTFD =
            Native.function("eventfd", of(JAVA_INT, JAVA_INT, JAVA_INT));

    // The handles of hot calls are not final, on purpose. A downcall slices the segment that
    // receives
    // errno; the compiler removes that slice where the downcall is compiled in a small method, but
    // not always where it was inlined into a large one. A handle that is not a constant is not
    // inlined, so that these calls allocate nothing whoever makes them.
    private static MethodHandle WRITE =
            Native.function("write", of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static MethodHandle PREADV2 =
            Native.function(
                    "preadv2", of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static MethodHandle PWRITEV2 =
            Native.function(
                    "pwritev2", of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static MethodHandle POLL =
            Native.function("poll", of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private FileCalls() {}

    static int close(int fd) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: an integer argument; Fd passes each number exactly once.
            return result(frame, (int) CLOSE.invokeExact(frame.errno, fd));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int open(MemorySegment path, int flags, int mode) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: path is a NUL-terminated string that outlives the call.
            return result(frame, (int) OPEN.invokeExact(frame.errno, path, flags, mode));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int fcntl(int fd, int operation, long argument) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: used only for operations whose argument is a number.
            return result(
                    frame, (int) FCNTL_LONG.invokeExact(frame.errno, fd, operation, argument));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int fcntl(int fd, int operation, MemorySegment argument) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: used only with F_OFD_SETLK and a complete struct flock.
            return result(
                    frame, (int) FCNTL_POINTER.invokeExact(frame.errno, fd, operation, argument));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int ioctl(int fd, long request, MemorySegment argument) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: used only with block device requests and an argument of the size each one is
            // documented with.
            return result(frame, (int) IOCTL.invokeExact(frame.errno, fd, request, argument));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long write(int fd, MemorySegment from, long bytes) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: bytes is at most the size of from.
            return result(frame, (long) WRITE.invokeExact(frame.errno, fd, from, bytes));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long pread(int fd, MemorySegment into, long bytes, long offset) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: bytes is at most the size of into, which is native memory.
            return result(frame, (long) PREAD.invokeExact(frame.errno, fd, into, bytes, offset));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long pwrite(int fd, MemorySegment from, long bytes, long offset) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: bytes is at most the size of from, which is native memory.
            return result(frame, (long) PWRITE.invokeExact(frame.errno, fd, from, bytes, offset));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long preadv2(
            CallFrame frame, int fd, MemorySegment iovecs, int count, long offset, int flags) {
        try {
            // SAFETY: the caller holds count iovecs over memory that stays mapped during the call
            // (FileIo's contract).
            return result(
                    frame,
                    (long) PREADV2.invokeExact(frame.errno, fd, iovecs, count, offset, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long pwritev2(
            CallFrame frame, int fd, MemorySegment iovecs, int count, long offset, int flags) {
        try {
            // SAFETY: the caller holds count iovecs over memory that stays mapped during the call
            // (FileIo's contract).
            return result(
                    frame,
                    (long) PWRITEV2.invokeExact(frame.errno, fd, iovecs, count, offset, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int fdatasync(int fd) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: an integer argument.
            return result(frame, (int) FDATASYNC.invokeExact(frame.errno, fd));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int fallocate(int fd, int mode, long offset, long bytes) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments.
            return result(frame, (int) FALLOCATE.invokeExact(frame.errno, fd, mode, offset, bytes));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int ftruncate(int fd, long bytes) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments.
            return result(frame, (int) FTRUNCATE.invokeExact(frame.errno, fd, bytes));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long lseek(int fd, long offset, int whence) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments.
            return result(frame, (long) LSEEK.invokeExact(frame.errno, fd, offset, whence));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int statx(int dirFd, MemorySegment path, int flags, int mask, MemorySegment into) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: path is a NUL-terminated string; into holds a struct statx (256 bytes).
            return result(
                    frame, (int) STATX.invokeExact(frame.errno, dirFd, path, flags, mask, into));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int fstatfs(int fd, MemorySegment into) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: into holds a struct statfs (120 bytes).
            return result(frame, (int) FSTATFS.invokeExact(frame.errno, fd, into));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int flock(int fd, int operation) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments.
            return result(frame, (int) FLOCK.invokeExact(frame.errno, fd, operation));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int poll(CallFrame frame, MemorySegment pollFds, int count, int timeoutMs) {
        try {
            // SAFETY: pollFds holds count struct pollfd; the caller holds every descriptor in it.
            return result(
                    frame, (int) POLL.invokeExact(frame.errno, pollFds, (long) count, timeoutMs));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int eventfd(int initial, int flags) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments.
            return result(frame, (int) EVENTFD.invokeExact(frame.errno, initial, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static int result(CallFrame frame, int returned) {
        return returned == -1 ? frame.failure() : returned;
    }

    private static long result(CallFrame frame, long returned) {
        return returned == -1 ? frame.failure() : returned;
    }
}
