package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** struct sockaddr_un of {@code linux/un.h}: u16 family, 108 bytes of path with its NUL. */
final class SocketAddress {
    static final int AF_UNIX = 1;

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
}
