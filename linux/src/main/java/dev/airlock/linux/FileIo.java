package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Files by descriptor. Stateless and thread-safe. Data calls ({@code pread...}, {@code pwrite...})
 * return bytes or a negative errno and do not allocate; the others throw {@link LinuxException}.
 * Using a closed {@link Fd} throws {@link IllegalStateException}; a close during a call takes
 * effect after it.
 */
public final class FileIo {
    /** Open flags: {@code asm-generic/fcntl.h}; O_CLOEXEC is always added. */
    public static final int O_RDONLY = 0;

    public static final int O_WRONLY = 0x1;
    public static final int O_RDWR = 0x2;

    /** Which of the bits say whether reading or writing is allowed. */
    public static final int O_ACCMODE = 0x3;

    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_TRUNC = 0x200;
    public static final int O_APPEND = 0x400;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DIRECT = 0x4000;
    public static final int O_DIRECTORY = 0x10000;
    public static final int O_NOFOLLOW = 0x20000;
    public static final int O_TMPFILE = 0x410000;
    public static final int O_PATH = 0x200000;
    private static final int O_CLOEXEC = 0x80000;

    /** Flags of one transfer: {@code linux/fs.h}. */
    public static final int RWF_DSYNC = 0x2;

    public static final int RWF_NOWAIT = 0x8;

    /** The most iovecs in one transfer: {@code linux/uio.h} UIO_MAXIOV. */
    public static final int IOVECS_MAX = 1024;

    /** Modes of {@link #fallocate}: {@code linux/falloc.h}. */
    public static final int FALLOC_FL_KEEP_SIZE = 0x1;

    public static final int FALLOC_FL_PUNCH_HOLE = 0x2;
    public static final int FALLOC_FL_ZERO_RANGE = 0x10;

    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;
    private static final int FLOCK_BYTES = 32;

    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7FF;
    private static final int STATX_DIOALIGN = 0x2000;

    private FileIo() {}

    /**
     * Opens a file; {@code mode} is used only with O_CREAT or O_TMPFILE. The caller owns the
     * descriptor.
     */
    public static Fd open(Path path, int flags, int mode) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            int raw;
            do {
                raw =
                        FileCalls.open(
                                Native.string(arena, path.toString()), flags | O_CLOEXEC, mode);
            } while (raw == -Errno.EINTR);
            if (raw < 0) {
                throw new LinuxException("open", "path=" + path, -raw);
            }
            return Fd.adopt(raw, path.toString());
        }
    }

    /** Opens an existing file. */
    public static Fd open(Path path, int flags) throws LinuxException {
        return open(path, flags, 0);
    }

    /**
     * Reads into several pieces of memory (preadv2(2)).
     *
     * @param iovecs native array of struct iovec over memory that stays mapped during the call
     * @param count how many of them, at most {@link #IOVECS_MAX}
     * @param offset in the file, in bytes
     * @param flags RWF_ bits
     * @return bytes read, fewer than asked at the end of the file and in rare other cases, or a
     *     negative errno
     */
    public static long preadv2(Fd fd, MemorySegment iovecs, int count, long offset, int flags) {
        requireIovecs(iovecs, count, offset);
        int raw = fd.acquire();
        try {
            CallFrame frame = CallFrame.current();
            return count == 1 && flags == 0
                    ? FileCalls.preadOne(frame, raw, iovecs, offset)
                    : FileCalls.preadv2(frame, raw, iovecs, count, offset, flags);
        } finally {
            fd.release();
        }
    }

    /** Writes from several pieces of memory (pwritev2(2)); as {@link #preadv2}. */
    public static long pwritev2(Fd fd, MemorySegment iovecs, int count, long offset, int flags) {
        requireIovecs(iovecs, count, offset);
        int raw = fd.acquire();
        try {
            CallFrame frame = CallFrame.current();
            return count == 1 && flags == 0
                    ? FileCalls.pwriteOne(frame, raw, iovecs, offset)
                    : FileCalls.pwritev2(frame, raw, iovecs, count, offset, flags);
        } finally {
            fd.release();
        }
    }

    /** Reads into native memory; bytes read or a negative errno. */
    public static long pread(Fd fd, MemorySegment into, long offset) {
        int raw = fd.acquire();
        try {
            return FileCalls.pread(raw, into, into.byteSize(), offset);
        } finally {
            fd.release();
        }
    }

    /** Writes from native memory; bytes written or a negative errno. */
    public static long pwrite(Fd fd, MemorySegment from, long offset) {
        int raw = fd.acquire();
        try {
            return FileCalls.pwrite(raw, from, from.byteSize(), offset);
        } finally {
            fd.release();
        }
    }

    /**
     * Makes written data durable. After a failure the state of earlier writes is unknown: do not
     * retry.
     */
    public static void fdatasync(Fd fd) throws LinuxException {
        int raw = fd.acquire();
        try {
            check(FileCalls.fdatasync(raw), "fdatasync", fd);
        } finally {
            fd.release();
        }
    }

    /** fallocate(2) with FALLOC_FL_ bits; EOPNOTSUPP where the file system cannot. */
    public static void fallocate(Fd fd, int mode, long offset, long bytes) throws LinuxException {
        int raw = fd.acquire();
        try {
            int result;
            do {
                result = FileCalls.fallocate(raw, mode, offset, bytes);
            } while (result == -Errno.EINTR);
            if (result < 0) {
                String details =
                        "mode=0x%x offset=%d bytes=%d %s".formatted(mode, offset, bytes, fd);
                throw new LinuxException("fallocate", details, -result);
            }
        } finally {
            fd.release();
        }
    }

    /** Sets the size of a regular file. */
    public static void truncate(Fd fd, long bytes) throws LinuxException {
        int raw = fd.acquire();
        try {
            int result = FileCalls.ftruncate(raw, bytes);
            if (result < 0) {
                throw new LinuxException("ftruncate", "bytes=" + bytes + " " + fd, -result);
            }
        } finally {
            fd.release();
        }
    }

    /** Size in bytes of a regular file or a block device. */
    public static long size(Fd fd) throws LinuxException {
        FileStat stat = stat(fd);
        return stat.type() == FileStat.Type.BLOCK_DEVICE
                ? BlockDeviceIo.sizeBytes(fd)
                : stat.sizeBytes();
    }

    /** What the descriptor refers to. */
    public static FileStat stat(Fd fd) throws LinuxException {
        int raw = fd.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(256, 8);
            MemorySegment empty = Native.string(arena, "");
            int mask = STATX_BASIC_STATS | STATX_DIOALIGN;
            check(FileCalls.statx(raw, empty, AT_EMPTY_PATH, mask, into), "statx", fd);
            return decode(into);
        } finally {
            fd.release();
        }
    }

    /** struct statx of {@code linux/stat.h}. */
    private static FileStat decode(MemorySegment statx) {
        int mode = Short.toUnsignedInt(statx.get(JAVA_SHORT, 28));
        long device = Integer.toUnsignedLong(statx.get(JAVA_INT, 136)) << 32;
        device |= Integer.toUnsignedLong(statx.get(JAVA_INT, 140));
        boolean direct = (statx.get(JAVA_INT, 0) & STATX_DIOALIGN) != 0;
        return new FileStat(
                FileStat.Type.of(mode),
                statx.get(JAVA_LONG, 40),
                statx.get(JAVA_LONG, 48) * 512,
                device,
                statx.get(JAVA_LONG, 32),
                mode & 0xFFF,
                statx.get(JAVA_INT, 20),
                direct ? statx.get(JAVA_INT, 152) : 0,
                direct ? statx.get(JAVA_INT, 156) : 0);
    }

    /**
     * The O_ bits that the file is open with: access mode ({@link #O_ACCMODE}), O_DIRECT, O_APPEND
     * and the like.
     */
    public static int statusFlags(Fd fd) throws LinuxException {
        int raw = fd.acquire();
        try {
            int flags = FileCalls.fcntl(raw, FileCalls.F_GETFL, 0);
            check(flags, "fcntl", fd);
            return flags;
        } finally {
            fd.release();
        }
    }

    /** The magic number of the file system that holds the file ({@code linux/magic.h}). */
    public static long fsType(Fd fd) throws LinuxException {
        int raw = fd.acquire();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(120, 8);
            check(FileCalls.fstatfs(raw, into), "fstatfs", fd);
            return into.get(JAVA_LONG, 0);
        } finally {
            fd.release();
        }
    }

    /**
     * The first byte at or after {@code offset} that is stored, or -1 when there is none. Moves the
     * file's position.
     */
    public static long seekData(Fd fd, long offset) throws LinuxException {
        return seek(fd, offset, SEEK_DATA);
    }

    /**
     * The first byte at or after {@code offset} that is not stored (the end counts), or -1 at or
     * past the end.
     */
    public static long seekHole(Fd fd, long offset) throws LinuxException {
        return seek(fd, offset, SEEK_HOLE);
    }

    /**
     * Takes the whole file's lock for writing, without waiting. It belongs to the open file
     * (F_OFD_SETLK), so it also excludes other opens of this process, and ends when the last
     * duplicate of the descriptor is closed.
     *
     * @return false when somebody else holds a lock
     */
    public static boolean tryLockExclusive(Fd fd) throws LinuxException {
        return lock(fd, F_WRLCK);
    }

    /**
     * As {@link #tryLockExclusive}, but shared with others that hold it so. The file must be open
     * for reading.
     */
    public static boolean tryLockShared(Fd fd) throws LinuxException {
        return lock(fd, F_RDLCK);
    }

    /** Gives the lock back. */
    public static void unlock(Fd fd) throws LinuxException {
        lock(fd, F_UNLCK);
    }

    /**
     * Alignment in bytes that O_DIRECT wants of memory, offsets and lengths: the larger of what the
     * kernel tells, or the sector size of a block device, or 4096 when it does not tell.
     */
    public static int memoryAlignment(Fd fd) throws LinuxException {
        FileStat stat = stat(fd);
        int told = Math.max(stat.directMemoryAlignment(), stat.directOffsetAlignment());
        if (told != 0) {
            return told;
        }
        return stat.type() == FileStat.Type.BLOCK_DEVICE ? BlockDeviceIo.sectorBytes(fd) : 4096;
    }

    private static long seek(Fd fd, long offset, int whence) throws LinuxException {
        int raw = fd.acquire();
        try {
            long result = FileCalls.lseek(raw, offset, whence);
            if (result == -Errno.ENXIO) {
                return -1;
            }
            if (result < 0) {
                throw new LinuxException("lseek", "offset=" + offset + " " + fd, (int) -result);
            }
            return result;
        } finally {
            fd.release();
        }
    }

    private static boolean lock(Fd fd, short type) throws LinuxException {
        int raw = fd.acquire();
        try (Arena arena = Arena.ofConfined()) {
            // struct flock: type, whence SEEK_SET, start 0, length 0 for all of it, pid 0.
            MemorySegment request = arena.allocate(FLOCK_BYTES, 8);
            request.set(JAVA_SHORT, 0, type);
            int result = FileCalls.fcntl(raw, FileCalls.F_OFD_SETLK, request);
            if (result == -Errno.EAGAIN || result == -Errno.EACCES) {
                return false;
            }
            if (result < 0) {
                throw new LinuxException("fcntl", "operation=F_OFD_SETLK " + fd, -result);
            }
            return true;
        } finally {
            fd.release();
        }
    }

    private static void requireIovecs(MemorySegment iovecs, int count, long offset) {
        if (count < 0 || count > IOVECS_MAX || iovecs.byteSize() < 16L * count || offset < 0) {
            throw new IllegalArgumentException(
                    "bad transfer: count="
                            + count
                            + " iovecBytes="
                            + iovecs.byteSize()
                            + " offset="
                            + offset);
        }
    }

    private static void check(int result, String call, Fd fd) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, fd.toString(), -result);
        }
    }
}
