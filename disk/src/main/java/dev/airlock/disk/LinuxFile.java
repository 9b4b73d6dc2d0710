package dev.airlock.disk;

import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.IoVector;

/** A regular file or block device, through its descriptor, which it owns. */
final class LinuxFile implements BackingFile {
    /** {@code linux/magic.h}. */
    private static final long TMPFS_MAGIC = 0x01021994;

    private static final long RAMFS_MAGIC = 0x858458F6L;

    private static final int HOLE_PROBE_BYTES = 4096;

    private final Fd fd;
    private final String path;
    private final FileTraits traits;

    LinuxFile(Fd fd, String path, FileTraits traits) {
        this.fd = fd;
        this.path = path;
        this.traits = traits;
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public FileTraits traits() {
        return traits;
    }

    @Override
    public long read(IoVector into, long offset) {
        return FileIo.preadv2(fd, into.nativeIovecs(), transferable(into), offset, 0);
    }

    @Override
    public long readWithoutWaiting(IoVector into, long offset) {
        return FileIo.preadv2(
                fd, into.nativeIovecs(), transferable(into), offset, FileIo.RWF_NOWAIT);
    }

    @Override
    public long write(IoVector from, long offset, boolean durable) {
        return FileIo.pwritev2(
                fd,
                from.nativeIovecs(),
                transferable(from),
                offset,
                durable ? FileIo.RWF_DSYNC : 0);
    }

    @Override
    public void syncData() throws LinuxException {
        FileIo.fdatasync(fd);
    }

    /**
     * On a block device this discards where the device promises that discarded sectors read as
     * zeroes, and fails elsewhere; BLKDISCARD, which promises nothing, is never used.
     */
    @Override
    public void punchHole(long offset, long bytes) throws LinuxException {
        FileIo.fallocate(
                fd, FileIo.FALLOC_FL_PUNCH_HOLE | FileIo.FALLOC_FL_KEEP_SIZE, offset, bytes);
    }

    @Override
    public void zeroRange(long offset, long bytes) throws LinuxException {
        FileIo.fallocate(
                fd, FileIo.FALLOC_FL_ZERO_RANGE | FileIo.FALLOC_FL_KEEP_SIZE, offset, bytes);
    }

    @Override
    public void truncate(long bytes) throws LinuxException {
        FileIo.truncate(fd, bytes);
    }

    @Override
    public long size() throws LinuxException {
        return FileIo.size(fd);
    }

    @Override
    public long nextData(long offset) throws LinuxException {
        return FileIo.seekData(fd, offset);
    }

    @Override
    public long nextHole(long offset) throws LinuxException {
        return FileIo.seekHole(fd, offset);
    }

    @Override
    public void close() {
        fd.close();
    }

    /** Whether the file system of a regular file keeps its data in memory. */
    static boolean isInMemory(Fd fd) throws LinuxException {
        long fsType = FileIo.fsType(fd);
        return fsType == TMPFS_MAGIC || fsType == RAMFS_MAGIC;
    }

    /**
     * Whether a regular file that is open for writing can have holes made. Tried past its end,
     * where it changes nothing.
     */
    static boolean punchesHoles(Fd fd, long sizeBytes) {
        try {
            int mode = FileIo.FALLOC_FL_PUNCH_HOLE | FileIo.FALLOC_FL_KEEP_SIZE;
            FileIo.fallocate(fd, mode, (sizeBytes | (HOLE_PROBE_BYTES - 1)) + 1, HOLE_PROBE_BYTES);
            return true;
        } catch (LinuxException unsupported) {
            return false;
        }
    }

    /** More ranges than one call takes make a short transfer, which callers continue anyway. */
    private static int transferable(IoVector vector) {
        return Math.min(vector.count(), FileIo.IOVECS_MAX);
    }
}
