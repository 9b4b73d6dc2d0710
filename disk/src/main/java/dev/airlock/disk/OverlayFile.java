package dev.airlock.disk;

import dev.airlock.linux.Errno;
import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.FileStat;
import dev.airlock.linux.LinuxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The file without a name that an {@link OverlayDisk} keeps its changes in: it vanishes with its
 * last descriptor.
 */
final class OverlayFile {
    private static final int MODE_OWNER_ONLY = 0600;

    private static final int BLOCK_BYTES = 4096;

    private OverlayFile() {}

    /** Makes an empty one in the directory for temporary files; the caller owns the descriptor. */
    static Fd open() throws DiskSpecException {
        Path directory = Path.of(System.getProperty("java.io.tmpdir", "/tmp"));
        try {
            return FileIo.open(
                    directory, FileIo.O_TMPFILE | FileIo.O_RDWR | FileIo.O_EXCL, MODE_OWNER_ONLY);
        } catch (LinuxException e) {
            if (e.errno() == Errno.EOPNOTSUPP || e.errno() == Errno.EISDIR) {
                return openAndUnlink(directory);
            }
            throw refusal(directory, e);
        }
    }

    /** For file systems without O_TMPFILE. */
    private static Fd openAndUnlink(Path directory) throws DiskSpecException {
        try {
            Path file = Files.createTempFile(directory, "airlock-overlay", null);
            try {
                return FileIo.open(file, FileIo.O_RDWR);
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw refusal(directory, e);
        }
    }

    /**
     * Makes the place for changes to {@code base} of a descriptor from {@link #open}, of this or
     * another process.
     *
     * @param fd owned by the disk on success
     */
    static RawDisk changes(Fd fd, Disk base) throws DiskSpecException {
        try {
            FileStat stat = FileIo.stat(fd);
            int flags = FileIo.statusFlags(fd);
            boolean plain =
                    (flags & (FileIo.O_ACCMODE | FileIo.O_APPEND | FileIo.O_DIRECT))
                            == FileIo.O_RDWR;
            if (stat.type() != FileStat.Type.REGULAR || stat.sizeBytes() != 0 || !plain) {
                throw new DiskSpecException(
                        "the file for a snapshot's changes is not an empty file open for writing: type="
                                + stat.type()
                                + " size="
                                + stat.sizeBytes()
                                + " flags=0x"
                                + Integer.toHexString(flags));
            }
            FileIo.truncate(fd, base.sizeBytes());
            boolean punches = LinuxFile.punchesHoles(fd, base.sizeBytes());
            FileTraits traits =
                    new FileTraits(
                            false, LinuxFile.isInMemory(fd), false, 1, 1, BLOCK_BYTES, punches);
            LinuxFile file = new LinuxFile(fd, "overlay of " + base, traits);
            return new RawDisk(file, base.sizeBytes(), base.sectorBytes(), false);
        } catch (LinuxException e) {
            throw new DiskSpecException(
                    "the file for a snapshot's changes cannot be used: " + e.getMessage(), e);
        }
    }

    private static DiskSpecException refusal(Path directory, IOException e) {
        return new DiskSpecException(
                "directory="
                        + directory
                        + " takes no file for a snapshot's changes: "
                        + e.getMessage()
                        + "; name another with -Djava.io.tmpdir",
                e);
    }
}
