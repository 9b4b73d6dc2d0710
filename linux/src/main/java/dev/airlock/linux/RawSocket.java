package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** Making, connecting and asking sockets that are still plain descriptors. */
final class RawSocket {
    /** {@code linux/net.h}, {@code linux/socket.h}, {@code asm-generic/socket.h}. */
    static final int SOCK_CLOEXEC = 0x80000;

    static final int SHUT_RDWR = 2;
    static final int SOCK_NONBLOCK = 0x800;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_SEQPACKET = 5;
    private static final int TYPE = SOCK_SEQPACKET | SOCK_CLOEXEC;
    static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SO_SNDTIMEO = 21;

    private RawSocket() {}

    static Fd blocking(String what) throws LinuxException {
        return socket(TYPE, what);
    }

    static Fd nonBlocking(String what) throws LinuxException {
        return socket(TYPE | SOCK_NONBLOCK, what);
    }

    /** A stream socket that is not blocking, of the family {@code AF_UNIX}, AF_INET or AF_INET6. */
    static Fd stream(int family, String what) throws LinuxException {
        return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, what);
    }

    static void setOption(Fd fd, int level, int name, int value) throws LinuxException {
        int raw = fd.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(4, 4);
            number.set(JAVA_INT, 0, value);
            int result = SocketCalls.setsockopt(raw, level, name, number);
            if (result < 0) {
                String details = "level=" + level + " option=" + name + " " + fd;
                throw new LinuxException("setsockopt", details, -result);
            }
        } finally {
            fd.release();
        }
    }

    static int option(Fd fd, int level, int name) throws LinuxException {
        int raw = fd.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(4, 4);
            MemorySegment length = arena.allocate(4, 4);
            length.set(JAVA_INT, 0, 4);
            int result = SocketCalls.getsockopt(raw, level, name, number, length);
            if (result < 0) {
                String details = "level=" + level + " option=" + name + " " + fd;
                throw new LinuxException("getsockopt", details, -result);
            }
            return number.get(JAVA_INT, 0);
        } finally {
            fd.release();
        }
    }

    static Fd[] pair() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment raw = arena.allocate(8, 4);
            int result = SocketCalls.socketpair(SocketAddress.AF_UNIX, TYPE, 0, raw);
            if (result < 0) {
                throw new LinuxException("socketpair", "", -result);
            }
            return new Fd[] {
                Fd.adopt(raw.get(JAVA_INT, 0), "socketpair"),
                Fd.adopt(raw.get(JAVA_INT, 4), "socketpair")
            };
        }
    }

    /** 0 or a negative errno. */
    static int connect(Fd fd, Path path) throws LinuxException {
        int raw = fd.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = SocketAddress.of(arena, path);
            int result;
            do {
                result = SocketCalls.connect(raw, address);
            } while (result == -Errno.EINTR);
            return result;
        } finally {
            fd.release();
        }
    }

    static PeerCredentials peerCredentials(Fd fd) throws LinuxException {
        int raw = fd.acquire();
        try (Arena arena = Arena.ofConfined()) {
            // struct ucred: pid, uid, gid.
            MemorySegment value = arena.allocate(12, 4);
            MemorySegment length = arena.allocate(4, 4);
            length.set(JAVA_INT, 0, 12);
            int result = SocketCalls.getsockopt(raw, SOL_SOCKET, SO_PEERCRED, value, length);
            if (result < 0) {
                throw new LinuxException("getsockopt", "option=SO_PEERCRED " + fd, -result);
            }
            return new PeerCredentials(
                    value.get(JAVA_INT, 0), value.get(JAVA_INT, 4), value.get(JAVA_INT, 8));
        } finally {
            fd.release();
        }
    }

    static void setSendTimeout(Fd fd, long timeoutMs) throws LinuxException {
        int raw = fd.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timeval = arena.allocate(16, 8);
            timeval.set(JAVA_LONG, 0, timeoutMs / 1000);
            timeval.set(JAVA_LONG, 8, timeoutMs % 1000 * 1000);
            int result = SocketCalls.setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, timeval);
            if (result < 0) {
                throw new LinuxException("setsockopt", "option=SO_SNDTIMEO " + fd, -result);
            }
        } finally {
            fd.release();
        }
    }

    private static Fd socket(int type, String what) throws LinuxException {
        return socket(SocketAddress.AF_UNIX, type, what);
    }

    private static Fd socket(int family, int type, String what) throws LinuxException {
        int raw = SocketCalls.socket(family, type, 0);
        if (raw < 0) {
            throw new LinuxException("socket", "", -raw);
        }
        return Fd.adopt(raw, what);
    }
}
