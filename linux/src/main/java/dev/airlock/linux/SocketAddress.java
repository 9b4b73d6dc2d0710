package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Addresses of sockets. {@code struct sockaddr_un} of {@code linux/un.h}: u16 family, 108 bytes of
 * path with its NUL. {@code struct sockaddr_in} of {@code linux/in.h}: u16 family, u16 port, 4
 * bytes of address, padded to 16; {@code struct sockaddr_in6} of {@code linux/in6.h}: u16 family,
 * u16 port, u32 flow, 16 bytes of address, u32 scope. Ports are big-endian.
 */
final class SocketAddress {
    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;

    private static final ValueLayout.OfShort PORT = JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int PORT_OFFSET = 2;
    private static final int IN_ADDRESS_OFFSET = 4;
    private static final int IN_BYTES = 16;
    private static final int IN6_ADDRESS_OFFSET = 8;
    private static final int IN6_SCOPE_OFFSET = 24;
    private static final int IN6_BYTES = 28;

    private static final int PATH_OFFSET = 2;
    private static final int PATH_BYTES = 108;

    private SocketAddress() {}

    static MemorySegment of(Arena arena, Path path) throws LinuxException {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length == 0 || name.length >= PATH_BYTES) {
            throw new LinuxException(
                    "socket address",
                    "path=" + path + " bytes=" + name.length + " max=107",
                    Errno.ENAMETOOLONG);
        }
        MemorySegment address = arena.allocate(PATH_OFFSET + PATH_BYTES, 8);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, JAVA_BYTE, PATH_OFFSET, name.length);
        return address;
    }

    static int family(InetAddress host) {
        return host instanceof Inet6Address ? AF_INET6 : AF_INET;
    }

    static MemorySegment of(Arena arena, InetAddress host, int port) {
        byte[] bytes = host.getAddress();
        boolean isV6 = host instanceof Inet6Address;
        MemorySegment address = arena.allocate(isV6 ? IN6_BYTES : IN_BYTES, 8);
        address.set(JAVA_SHORT, 0, (short) family(host));
        address.set(PORT, PORT_OFFSET, (short) port);
        MemorySegment.copy(
                bytes,
                0,
                address,
                JAVA_BYTE,
                isV6 ? IN6_ADDRESS_OFFSET : IN_ADDRESS_OFFSET,
                bytes.length);
        if (host instanceof Inet6Address v6) {
            address.set(JAVA_INT, IN6_SCOPE_OFFSET, v6.getScopeId());
        }
        return address;
    }

    /** The port of an Internet address, -1 when it is none. */
    static int port(MemorySegment address) {
        int family = address.get(JAVA_SHORT, 0);
        return family == AF_INET || family == AF_INET6
                ? Short.toUnsignedInt(address.get(PORT, PORT_OFFSET))
                : -1;
    }
}
