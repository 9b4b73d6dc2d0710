package dev.airlock.disk;

import dev.airlock.disk.DiskException.Kind;
import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.IoVector;

/**
 * Sectors one to one in a file or block device.
 *
 * <p>A failed fdatasync or durable write poisons the disk (see {@link Disk}): Linux marks pages
 * clean whose writeback failed, so that a second fdatasync would succeed without the data. That
 * holds for a durable write that fails for lack of space, too, because the error may belong to
 * pages written before.
 */
final class RawDisk extends CheckedDisk {
    /** Keeps one unmap of a fragmented file within fractions of a second. */
    private static final long UNMAP_BYTES_MAX = 1L << 30;

    /** Keeps one writeZeroes within fractions of a second where zeroes have to be written out. */
    private static final long WRITE_ZEROES_BYTES_MAX = 32L << 20;

    private final BackingFile file;
    private final FileTraits traits;
    private final DiskLimits limits;
    private final SyncGate syncs = new SyncGate();
    private final FileTransfers transfers;

    /** Cleared when the file says that it cannot, so that it is not asked for every request. */
    private volatile boolean readsWithoutWaiting;

    private volatile boolean zeroesRanges = true;

    /**
     * A disk over {@code file}, which it owns from now on.
     *
     * @param sizeBytes whole sectors; the size of the file
     * @param sectorBytes a multiple of the file's offset alignment
     */
    RawDisk(BackingFile file, long sizeBytes, int sectorBytes, boolean readOnly) {
        super("disk=" + file.path(), sizeBytes, sectorBytes, readOnly);
        this.file = file;
        traits = file.traits();
        transfers = new FileTransfers(file);
        readsWithoutWaiting = !traits.direct();
        boolean unmaps = traits.punchesHoles();
        limits =
                new DiskLimits(
                        unmaps ? Math.max(sectorBytes, traits.blockBytes()) : 0,
                        UNMAP_BYTES_MAX,
                        unmaps && !traits.blockDevice(),
                        WRITE_ZEROES_BYTES_MAX,
                        true);
    }

    @Override
    public int physicalSectorBytes() {
        return Math.max(sectorBytes(), traits.blockBytes());
    }

    @Override
    public DiskLimits limits() {
        return limits;
    }

    @Override
    public boolean mayBlock() {
        return !traits.memorySpeed();
    }

    @Override
    boolean tryReadSectors(long offset, IoVector into, long bytes) throws DiskException {
        if (traits.memorySpeed()) {
            readSectors(offset, into, bytes);
            return true;
        }
        if (!readsWithoutWaiting) {
            return false;
        }
        long done = file.readWithoutWaiting(into, offset);
        if (done == -Errno.EOPNOTSUPP) {
            readsWithoutWaiting = false;
        }
        // A part in the cache does not help: the rest needs a read that waits, and that one finds
        // the part again.
        return done == bytes;
    }

    @Override
    void readSectors(long offset, IoVector into, long bytes) throws DiskException {
        requireDone(transfers.read(offset, into), "read", offset, bytes);
    }

    @Override
    void writeSectors(long offset, IoVector from, long bytes, boolean fua) throws DiskException {
        requireSound();
        if (!fua) {
            requireDone(transfers.write(offset, from, false), "write", offset, bytes);
            return;
        }
        int place = syncs.enter();
        String failure = "fua write ended by an exception";
        try {
            int errno = transfers.write(offset, from, true);
            failure = errno == 0 ? null : details("fua write", offset, bytes, errno);
        } finally {
            syncs.leave(place, failure);
        }
        requireSound();
    }

    @Override
    void flushWrites() throws DiskException {
        requireSound();
        int place = syncs.enter();
        String failure = "fdatasync ended by an exception";
        try {
            file.syncData();
            failure = null;
        } catch (LinuxException e) {
            failure = "fdatasync errno=" + e.errno() + " " + Errno.name(e.errno());
        } finally {
            syncs.leave(place, failure);
        }
        requireSound();
    }

    @Override
    void unmapSectors(long offset, long bytes) throws DiskException {
        requireSound();
        if (traits.punchesHoles() && !punch(offset, bytes) && !traits.blockDevice()) {
            throw ioFailure("unmap", offset, bytes, Errno.EOPNOTSUPP);
        }
    }

    @Override
    void zeroSectors(long offset, long bytes, boolean mayUnmap) throws DiskException {
        requireSound();
        boolean zeroed = mayUnmap && traits.punchesHoles() && punch(offset, bytes);
        if (!zeroed && zeroesRanges) {
            zeroed = zeroRange(offset, bytes);
        }
        if (!zeroed) {
            requireDone(transfers.writeZeroes(offset, bytes), "write zeroes", offset, bytes);
        }
    }

    /** Whether the range is a hole now; false if the file cannot do that there. */
    private boolean punch(long offset, long bytes) throws DiskException {
        try {
            file.punchHole(offset, bytes);
            return true;
        } catch (LinuxException e) {
            return unsupportedOrThrow(e, "punch hole", offset, bytes);
        }
    }

    private boolean zeroRange(long offset, long bytes) throws DiskException {
        try {
            file.zeroRange(offset, bytes);
            return true;
        } catch (LinuxException e) {
            zeroesRanges = e.errno() != Errno.EOPNOTSUPP;
            return unsupportedOrThrow(e, "zero range", offset, bytes);
        }
    }

    /** EINVAL is how a block device refuses a range that is not whole sectors of its own. */
    private boolean unsupportedOrThrow(LinuxException e, String operation, long offset, long bytes)
            throws DiskException {
        if (e.errno() == Errno.EOPNOTSUPP || (e.errno() == Errno.EINVAL && traits.blockDevice())) {
            return false;
        }
        throw ioFailure(operation, offset, bytes, e.errno());
    }

    @Override
    void walkExtents(long offset, long bytes, ExtentSink sink) throws DiskException {
        long end = offset + bytes;
        long at = offset;
        while (at < end) {
            long data;
            long hole;
            try {
                data = file.nextData(at);
                hole = data < 0 ? -1 : file.nextHole(data);
            } catch (LinuxException e) {
                if (e.errno() != Errno.EINVAL && e.errno() != Errno.EOPNOTSUPP) {
                    throw ioFailure("seek", at, end - at, e.errno());
                }
                // A block device, or a file system that cannot tell: all of it may hold data.
                sink.extent(at, end - at, true);
                return;
            }
            long dataFrom = data < 0 ? end : Math.clamp(sectorDown(data), at, end);
            long dataTo = hole < 0 ? end : Math.clamp(sectorUp(hole), dataFrom, end);
            if (dataFrom > at && !sink.extent(at, dataFrom - at, false)) {
                return;
            }
            if (dataTo > dataFrom && !sink.extent(dataFrom, dataTo - dataFrom, true)) {
                return;
            }
            at = dataTo;
        }
    }

    @Override
    void resizeStore(long oldBytes, long newBytes) throws DiskException {
        requireSound();
        try {
            if (traits.blockDevice()) {
                if (file.size() != newBytes) {
                    throw failure(
                            Kind.OUT_OF_RANGE,
                            "resize newBytes="
                                    + newBytes
                                    + " is not the size of the block device: size="
                                    + file.size());
                }
                return;
            }
            if (newBytes > oldBytes) {
                // Drops what somebody else may have left past the end: new sectors read as zeroes.
                file.truncate(oldBytes);
            }
            file.truncate(newBytes);
        } catch (LinuxException e) {
            boolean impossible = e.errno() == Errno.EFBIG || e.errno() == Errno.EINVAL;
            String why =
                    "resize newBytes="
                            + newBytes
                            + " errno="
                            + e.errno()
                            + " "
                            + Errno.name(e.errno());
            throw failure(impossible ? Kind.OUT_OF_RANGE : kindOf(e.errno()), why);
        }
    }

    @Override
    long storeBytes() throws DiskException {
        try {
            return file.size();
        } catch (LinuxException e) {
            throw failure(Kind.IO, "size errno=" + e.errno() + " " + Errno.name(e.errno()));
        }
    }

    @Override
    void closeStore() {
        file.close();
        transfers.close();
    }

    private long sectorDown(long offset) {
        return offset & -sectorBytes();
    }

    private long sectorUp(long offset) {
        return sectorDown(offset + sectorBytes() - 1);
    }

    private void requireSound() throws DiskException {
        String poison = syncs.poison();
        if (poison != null) {
            throw failure(
                    Kind.POISONED,
                    "is poisoned until it is opened again, written data may be lost: " + poison);
        }
    }

    private void requireDone(int errno, String operation, long offset, long bytes)
            throws DiskException {
        if (errno != 0) {
            throw ioFailure(operation, offset, bytes, errno);
        }
    }

    private DiskException ioFailure(String operation, long offset, long bytes, int errno) {
        return failure(kindOf(errno), details(operation, offset, bytes, errno));
    }

    private static String details(String operation, long offset, long bytes, int errno) {
        return operation
                + " offset="
                + offset
                + " bytes="
                + bytes
                + " errno="
                + errno
                + " "
                + Errno.name(errno);
    }

    private static Kind kindOf(int errno) {
        return errno == Errno.ENOSPC || errno == Errno.EDQUOT ? Kind.NO_SPACE : Kind.IO;
    }
}
