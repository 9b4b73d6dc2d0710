package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Requests to block devices ({@code linux/fs.h}). Stateless; failures throw, ENOTTY for what is no
 * block device.
 */
public final class BlockDeviceIo {
    private static final long BLKSSZGET = 0x1268;
    private static final long BLKDISCARD = 0x1277;
    private static final long BLKPBSZGET = 0x127B;
    private static final long BLKZEROOUT = 0x127F;
    private static final long BLKGETSIZE64 = 0x80081272L;

    private BlockDeviceIo() {}

    /** Size of the device in bytes. */
    public static long sizeBytes(Fd fd) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(8, 8);
            request(fd, BLKGETSIZE64, "BLKGETSIZE64", into);
            return into.get(JAVA_LONG, 0);
        }
    }

    /** Logical sector size in bytes: the unit of every transfer. */
    public static int sectorBytes(Fd fd) throws LinuxException {
        return number(fd, BLKSSZGET, "BLKSSZGET");
    }

    /** Physical sector size in bytes: the largest unit written without reading first. */
    public static int physicalSectorBytes(Fd fd) throws LinuxException {
        return number(fd, BLKPBSZGET, "BLKPBSZGET");
    }

    /**
     * Lets the device forget a range in whole sectors; what it reads as afterwards is not defined.
     */
    public static void discard(Fd fd, long offset, long bytes) throws LinuxException {
        range(fd, BLKDISCARD, "BLKDISCARD", offset, bytes);
    }

    /** Makes a range in whole sectors read as zeroes. */
    public static void writeZeroes(Fd fd, long offset, long bytes) throws LinuxException {
        range(fd, BLKZEROOUT, "BLKZEROOUT", offset, bytes);
    }

    private static int number(Fd fd, long request, String name) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment into = arena.allocate(8, 8);
            request(fd, request, name, into);
            return into.get(JAVA_INT, 0);
        }
    }

    private static void range(Fd fd, long request, String name, long offset, long bytes)
            throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment range = arena.allocate(16, 8);
            range.set(JAVA_LONG, 0, offset);
            range.set(JAVA_LONG, 8, bytes);
            request(fd, request, name + " offset=" + offset + " bytes=" + bytes, range);
        }
    }

    private static void request(Fd fd, long request, String details, MemorySegment argument)
            throws LinuxException {
        int raw = fd.acquire();
        try {
            int result = FileCalls.ioctl(raw, request, argument);
            if (result < 0) {
                throw new LinuxException("ioctl", "request=" + details + " " + fd, -result);
            }
        } finally {
            fd.release();
        }
    }
}
