package dev.airlock.linux;

import static java.lang.foreign.FunctionDescriptor.of;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Socket calls; each returns its result or a negative errno. */
final class SocketCalls {
    private static final MethodHandle SOCKET =
            Native.function("socket", of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle SOCKETPAIR =
            Native.function("socketpair", of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle BIND =
            Native.function("bind", of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle CONNECT =
            Native.function("connect", of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle LISTEN =
            Native.function("listen", of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle ACCEPT4 =
            Native.function("accept4", of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    private static final MethodHandle SHUTDOWN =
            Native.function("shutdown", of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle SENDMSG =
            Native.function("sendmsg", of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle RECVMSG =
            Native.function("recvmsg", of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle GETSOCKOPT =
            Native.function(
                    "getsockopt", of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle SETSOCKOPT =
            Native.function(
                    "setsockopt", of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle FCHMOD =
            Native.function("fchmod", of(JAVA_INT, JAVA_INT, JAVA_INT));

    private SocketCalls() {}

    static int socket(int domain, int type, int protocol) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments.
            return result(frame, (int) SOCKET.invokeExact(frame.errno, domain, type, protocol));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int socketpair(int domain, int type, int protocol, MemorySegment pair) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: pair holds two ints.
            return result(
                    frame, (int) SOCKETPAIR.invokeExact(frame.errno, domain, type, protocol, pair));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int bind(int fd, MemorySegment address) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: address is a complete sockaddr_un of the length passed.
            return result(
                    frame,
                    (int) BIND.invokeExact(frame.errno, fd, address, (int) address.byteSize()));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int connect(int fd, MemorySegment address) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: address is a complete sockaddr_un of the length passed.
            return result(
                    frame,
                    (int) CONNECT.invokeExact(frame.errno, fd, address, (int) address.byteSize()));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int listen(int fd, int backlog) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments.
            return result(frame, (int) LISTEN.invokeExact(frame.errno, fd, backlog));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int accept4(int fd, int flags) {
        CallFrame frame = CallFrame.current();
        MemorySegment none = MemorySegment.NULL;
        try {
            // SAFETY: a null address is allowed and asks for none.
            return result(frame, (int) ACCEPT4.invokeExact(frame.errno, fd, none, none, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int shutdown(int fd, int how) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments.
            return result(frame, (int) SHUTDOWN.invokeExact(frame.errno, fd, how));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long sendmsg(int fd, MemorySegment header, int flags) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: header is a struct msghdr whose parts live in the caller's arena; does not
            // block (MSG_DONTWAIT).
            return result(frame, (long) SENDMSG.invokeExact(frame.errno, fd, header, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static long recvmsg(int fd, MemorySegment header, int flags) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: header is a struct msghdr whose parts live in the caller's arena; does not
            // block (MSG_DONTWAIT).
            return result(frame, (long) RECVMSG.invokeExact(frame.errno, fd, header, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int getsockopt(int fd, int level, int name, MemorySegment value, MemorySegment length) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: length holds the size of value.
            return result(
                    frame,
                    (int) GETSOCKOPT.invokeExact(frame.errno, fd, level, name, value, length));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int setsockopt(int fd, int level, int name, MemorySegment value) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: value is passed with its own size.
            int bytes = (int) value.byteSize();
            return result(
                    frame,
                    (int) SETSOCKOPT.invokeExact(frame.errno, fd, level, name, value, bytes));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int fchmod(int fd, int mode) {
        CallFrame frame = CallFrame.current();
        try {
            // SAFETY: integer arguments.
            return result(frame, (int) FCHMOD.invokeExact(frame.errno, fd, mode));
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
