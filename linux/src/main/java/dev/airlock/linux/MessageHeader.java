package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * struct msghdr with one iovec and room for one SCM_RIGHTS control message ({@code
 * linux/socket.h}).
 *
 * <pre>
 * msghdr   0 name, 8 namelen, 16 iov, 24 iovlen, 32 control, 40 controllen, 48 flags     56 bytes
 * cmsghdr  0 len, 8 level, 12 type, 16 data                                              aligned to 8
 * </pre>
 */
final class MessageHeader {
    private static final int BYTES = 56;
    private static final int IOV_OFFSET = 16;
    private static final int IOV_LENGTH_OFFSET = 24;
    private static final int CONTROL_OFFSET = 32;
    private static final int CONTROL_LENGTH_OFFSET = 40;
    private static final int FLAGS_OFFSET = 48;
    private static final int CMSG_BYTES = 16;

    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;

    final MemorySegment segment;
    private final MemorySegment control;

    /** A header that transfers {@code data} and holds {@code fdCount} descriptors. */
    MessageHeader(Arena arena, MemorySegment data, int fdCount) {
        segment = arena.allocate(BYTES, 8);
        MemorySegment iovec = arena.allocate(16, 8);
        iovec.set(ADDRESS, 0, data);
        iovec.set(JAVA_LONG, 8, data.byteSize());
        segment.set(ADDRESS, IOV_OFFSET, iovec);
        segment.set(JAVA_LONG, IOV_LENGTH_OFFSET, 1);
        control = arena.allocate(CMSG_BYTES + align(fdCount * 4L), 8);
        if (fdCount > 0) {
            segment.set(ADDRESS, CONTROL_OFFSET, control);
            segment.set(JAVA_LONG, CONTROL_LENGTH_OFFSET, control.byteSize());
        }
    }

    void putFds(int[] raw) {
        control.set(JAVA_LONG, 0, CMSG_BYTES + 4L * raw.length);
        control.set(JAVA_INT, 8, SOL_SOCKET);
        control.set(JAVA_INT, 12, SCM_RIGHTS);
        for (int i = 0; i < raw.length; i++) {
            control.set(JAVA_INT, CMSG_BYTES + 4L * i, raw[i]);
        }
    }

    /** Every descriptor the kernel has installed, owned by the caller. */
    List<Fd> takeFds() {
        List<Fd> fds = new ArrayList<>();
        long end = Math.min(segment.get(JAVA_LONG, CONTROL_LENGTH_OFFSET), control.byteSize());
        long at = 0;
        while (at + CMSG_BYTES <= end) {
            long length = control.get(JAVA_LONG, at);
            if (length < CMSG_BYTES || length > end - at) {
                break;
            }
            if (control.get(JAVA_INT, at + 8) == SOL_SOCKET
                    && control.get(JAVA_INT, at + 12) == SCM_RIGHTS) {
                for (long fd = at + CMSG_BYTES; fd + 4 <= at + length; fd += 4) {
                    fds.add(Fd.adopt(control.get(JAVA_INT, fd), "received"));
                }
            }
            at += align(length);
        }
        return fds;
    }

    int flags() {
        return segment.get(JAVA_INT, FLAGS_OFFSET);
    }

    private static long align(long bytes) {
        return (bytes + 7) & -8;
    }
}
