package dev.airlock.linux;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Socket calls; each returns its result or a negative errno. */
final class SocketCalls {
    private static final MethodHandle SOCKET = Native.function("socket");
    private static final MethodHandle SOCKETPAIR = Native.function("socketpair");
    private static final MethodHandle BIND = Native.function("bind");
    private static final MethodHandle CONNECT = Native.function("connect");
    private static final MethodHandle LISTEN = Native.function("listen");
    private static final MethodHandle ACCEPT4 = Native.function("accept4");
    private static final MethodHandle SHUTDOWN = Native.function("shutdown");
    private static final MethodHandle SENDMSG = Native.function("sendmsg");
    private static final MethodHandle RECVMSG = Native.function("recvmsg");
    private static final MethodHandle GETSOCKOPT = Native.function("getsockopt");
    private static final MethodHandle SETSOCKOPT = Native.function("setsockopt");
    private static final MethodHandle FCHMOD = Native.function("fchmod");
    private static final MethodHandle GETSOCKNAME = Native.function("getsockname");

    // Not final, so that they allocate nothing whoever inlines them: see FileCalls.
    private static MethodHandle SEND_VECTOR = Native.function("sendmsg");
    private static MethodHandle RECEIVE_VECTOR = Native.function("recvmsg");

    private SocketCalls() {}

    static int socket(int domain, int type, int protocol) {
        // SAFETY: integer arguments.
        return Native.callInt(SOCKET, domain, type, protocol);
    }

    static int socketpair(int domain, int type, int protocol, MemorySegment pair) {
        // SAFETY: pair holds two ints in an arena of the calling thread.
        return Native.callInt(
                SOCKETPAIR, CallFrame.current(), domain, type, protocol, pair.address(), 0, 0);
    }

    static int bind(int fd, MemorySegment address) {
        // SAFETY: address is a complete socket address of the length passed, in an arena of the
        // calling thread.
        return Native.callInt(BIND, fd, address.address(), address.byteSize());
    }

    static int connect(int fd, MemorySegment address) {
        // SAFETY: as in bind.
        return Native.callInt(CONNECT, fd, address.address(), address.byteSize());
    }

    static int listen(int fd, int backlog) {
        // SAFETY: integer arguments.
        return Native.callInt(LISTEN, fd, backlog, 0);
    }

    static int accept4(int fd, int flags) {
        // SAFETY: a null address is allowed and asks for none.
        return Native.callInt(ACCEPT4, CallFrame.current(), fd, 0, 0, flags, 0, 0);
    }

    static int shutdown(int fd, int how) {
        // SAFETY: integer arguments.
        return Native.callInt(SHUTDOWN, fd, how, 0);
    }

    static long sendmsg(int fd, MemorySegment header, int flags) {
        // SAFETY: header is a struct msghdr whose parts live in the caller's arena; does not block
        // (MSG_DONTWAIT).
        return Native.call(SENDMSG, CallFrame.current(), fd, header.address(), flags, 0, 0, 0);
    }

    static long recvmsg(int fd, MemorySegment header, int flags) {
        // SAFETY: as in sendmsg.
        return Native.call(RECVMSG, CallFrame.current(), fd, header.address(), flags, 0, 0, 0);
    }

    static int getsockopt(int fd, int level, int name, MemorySegment value, MemorySegment length) {
        // SAFETY: length holds the size of value; both in an arena of the calling thread.
        return Native.callInt(
                GETSOCKOPT,
                CallFrame.current(),
                fd,
                level,
                name,
                value.address(),
                length.address(),
                0);
    }

    static int setsockopt(int fd, int level, int name, MemorySegment value) {
        // SAFETY: value is passed with its own size; in an arena of the calling thread.
        return Native.callInt(
                SETSOCKOPT,
                CallFrame.current(),
                fd,
                level,
                name,
                value.address(),
                value.byteSize(),
                0);
    }

    /** As {@link #sendmsg}, for the pieces of a {@link SocketVector}. */
    static long sendVector(int fd, MemorySegment header, int flags) {
        // SAFETY: header is the msghdr of a SocketVector, whose pieces are mapped while listed;
        // does not block (MSG_DONTWAIT).
        return Native.call(SEND_VECTOR, CallFrame.current(), fd, header.address(), flags, 0, 0, 0);
    }

    /** As {@link #recvmsg}, for the pieces of a {@link SocketVector}. */
    static long receiveVector(int fd, MemorySegment header, int flags) {
        // SAFETY: as in sendVector.
        return Native.call(
                RECEIVE_VECTOR, CallFrame.current(), fd, header.address(), flags, 0, 0, 0);
    }

    static int getsockname(int fd, MemorySegment address, MemorySegment length) {
        // SAFETY: length holds the size of address; both in an arena of the calling thread.
        return Native.callInt(GETSOCKNAME, fd, address.address(), length.address());
    }

    static int fchmod(int fd, int mode) {
        // SAFETY: integer arguments.
        return Native.callInt(FCHMOD, fd, mode, 0);
    }
}
