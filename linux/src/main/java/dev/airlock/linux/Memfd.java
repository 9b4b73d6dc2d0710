package dev.airlock.linux;

import java.lang.foreign.Arena;

/** Memory as a file without a name, to be passed between processes (memfd_create(2)). Stateless. */
public final class Memfd {
    /** {@code linux/memfd.h}. */
    private static final int MFD_CLOEXEC = 0x1;

    private static final int MFD_ALLOW_SEALING = 0x2;
    private static final int MFD_NOEXEC_SEAL = 0x8;

    /** {@code linux/fcntl.h}. */
    private static final int F_SEAL_SEAL = 0x1;

    private static final int F_SEAL_SHRINK = 0x2;
    private static final int F_SEAL_GROW = 0x4;

    private static final int F_SEAL_WRITE = 0x8;
    private static final int F_SEAL_FUTURE_WRITE = 0x10;

    /** Without F_SEAL_SEAL a peer could later add seals that make mapping fail. */
    private static final int NEEDED_SEALS = F_SEAL_SHRINK | F_SEAL_SEAL;

    private static final int WRITE_SEALS = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

    /** {@code linux/magic.h}. */
    private static final long TMPFS_MAGIC = 0x01021994;

    private static final long HUGETLBFS_MAGIC = 0x958458F6L;

    private Memfd() {}

    /**
     * Zeroed memory of a size that nobody can change any more.
     *
     * @param name shown in /proc, without meaning
     * @param bytes a multiple of the page size
     * @return owned by the caller
     */
    public static Fd create(String name, long bytes) throws LinuxException {
        if (bytes <= 0 || bytes % Mapping.PAGE_BYTES != 0) {
            throw new IllegalArgumentException(
                    "size of a memfd is not a multiple of 4096: bytes=" + bytes);
        }
        Fd fd = open(name);
        try {
            FileIo.truncate(fd, bytes);
            int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
            int result = FileCalls.fcntl(fd.raw(), FileCalls.F_ADD_SEALS, seals);
            if (result < 0) {
                throw new LinuxException("fcntl", "operation=F_ADD_SEALS name=" + name, -result);
            }
            return fd;
        } catch (LinuxException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Checks a descriptor received from a peer before it is mapped: ordinary memory (a fault in
     * huge pages can kill the process), which nobody can shrink (so can an access beyond its end)
     * or make unmappable, and large enough.
     *
     * @throws LinuxException with EINVAL, naming what is wrong
     */
    public static void requireSealed(Fd fd, long atLeastBytes) throws LinuxException {
        long magic = FileIo.fsType(fd);
        if (magic == HUGETLBFS_MAGIC) {
            throw refused("memory of huge pages is not accepted", fd);
        }
        if (magic != TMPFS_MAGIC) {
            throw refused("not a memfd: fsType=0x" + Long.toHexString(magic), fd);
        }
        int raw = fd.acquire();
        int seals = FileCalls.fcntl(raw, FileCalls.F_GET_SEALS, 0);
        fd.release();
        // A file of a mounted tmpfs cannot carry these, so it is a memfd and no mount's size limit
        // applies.
        if (seals < 0 || (seals & NEEDED_SEALS) != NEEDED_SEALS) {
            throw refused(
                    "memfd is not sealed against shrinking and further seals: seals=" + seals, fd);
        }
        if ((seals & WRITE_SEALS) != 0) {
            throw refused("memfd is sealed against writing: seals=" + seals, fd);
        }
        long bytes = FileIo.stat(fd).sizeBytes();
        if (bytes < atLeastBytes) {
            throw refused("memfd is too small: bytes=" + bytes + " needed=" + atLeastBytes, fd);
        }
    }

    private static LinuxException refused(String why, Fd fd) {
        return new LinuxException("memfd check", why + " " + fd, Errno.EINVAL);
    }

    private static Fd open(String name) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            var text = Native.string(arena, name);
            int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
            int raw = MemoryCalls.memfdCreate(text, flags | MFD_NOEXEC_SEAL);
            if (raw == -Errno.EINVAL) {
                // Linux before 6.3 does not know MFD_NOEXEC_SEAL.
                raw = MemoryCalls.memfdCreate(text, flags);
            }
            if (raw < 0) {
                throw new LinuxException("memfd_create", "name=" + name, -raw);
            }
            return Fd.adopt(raw, "memfd:" + name);
        }
    }
}
