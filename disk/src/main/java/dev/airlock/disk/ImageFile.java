package dev.airlock.disk;

import dev.airlock.linux.BlockDeviceIo;
import dev.airlock.linux.Errno;
import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import dev.airlock.linux.FileStat;
import dev.airlock.linux.LinuxException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * Opens the file of a {@link DiskSpec} and makes a {@link RawDisk} of it, or says in one line why
 * not.
 */
final class ImageFile {
    /** What a file system writes without reading first, where it does not say: a page. */
    private static final int FILE_BLOCK_BYTES = 4096;

    private ImageFile() {}

    /** Opens and locks the file; the caller owns the descriptor. */
    static Fd open(DiskSpec spec) throws DiskSpecException {
        Path path = spec.requirePath();
        int flags = spec.opensReadOnly() ? FileIo.O_RDONLY : FileIo.O_RDWR;
        if (spec.direct()) {
            flags |= FileIo.O_DIRECT;
        }
        if (isBlockDevice(path) && !spec.opensReadOnly() && !spec.shared()) {
            // On a device that exists, this asks the kernel to refuse if it is mounted or otherwise
            // in use.
            flags |= FileIo.O_EXCL;
        }
        Fd fd;
        try {
            fd = FileIo.open(path, flags);
        } catch (LinuxException e) {
            throw openRefusal(spec, path, e);
        }
        try {
            lock(fd, spec);
            return fd;
        } catch (DiskSpecException e) {
            fd.close();
            throw e;
        }
    }

    /** Looks before opening, since to open some things waits (a FIFO) or acts (a tape). */
    private static boolean isBlockDevice(Path path) throws DiskSpecException {
        try (Fd fd = FileIo.open(path, FileIo.O_PATH)) {
            return requireImage(path.toString(), FileIo.stat(fd));
        } catch (LinuxException e) {
            throw new DiskSpecException(
                    "path=" + path + " cannot be opened: " + reason(e) + "; check the path", e);
        }
    }

    /**
     * Makes a disk of a descriptor of any origin.
     *
     * @param fd owned by the disk on success
     */
    static RawDisk disk(Fd fd, DiskSpec spec) throws DiskSpecException {
        String path = spec.requirePath().toString();
        try {
            FileStat stat = FileIo.stat(fd);
            requireImage(path, stat);
            requireStatus(path, FileIo.statusFlags(fd), spec);
            lock(fd, spec);
            long sizeBytes = requireSize(path, FileIo.size(fd), spec);
            LinuxFile file = new LinuxFile(fd, path, traits(fd, stat, spec, sizeBytes));
            requireAlignment(path, file.traits(), spec);
            RawDisk disk = new RawDisk(file, sizeBytes, spec.sectorBytes(), spec.opensReadOnly());
            if (spec.source() == DiskSpec.Source.FILE) {
                requireNoSignature(path, disk);
            }
            return disk;
        } catch (LinuxException e) {
            throw new DiskSpecException(
                    "path=" + path + " cannot be used as a disk: " + reason(e), e);
        } catch (DiskException e) {
            throw new DiskSpecException("path=" + path + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static boolean requireImage(String path, FileStat stat) throws DiskSpecException {
        return switch (stat.type()) {
            case REGULAR -> false;
            case BLOCK_DEVICE -> true;
            default ->
                    throw new DiskSpecException(
                            "path="
                                    + path
                                    + " is neither a file nor a block device: name the image itself");
        };
    }

    private static void requireStatus(String path, int flags, DiskSpec spec)
            throws DiskSpecException {
        int access = flags & FileIo.O_ACCMODE;
        boolean accessFits =
                access == FileIo.O_RDWR || (spec.opensReadOnly() && access == FileIo.O_RDONLY);
        boolean directFits = ((flags & FileIo.O_DIRECT) != 0) == spec.direct();
        if (!accessFits || !directFits || (flags & FileIo.O_APPEND) != 0) {
            throw new DiskSpecException(
                    "path="
                            + path
                            + " came open in another way than asked for: flags=0x"
                            + Integer.toHexString(flags));
        }
    }

    private static long requireSize(String path, long sizeBytes, DiskSpec spec)
            throws DiskSpecException {
        int sector = spec.sectorBytes();
        if (sizeBytes == 0) {
            throw new DiskSpecException(
                    "path=" + path + " is empty: give it a size, as by truncate -s 64G");
        }
        if (sizeBytes % sector != 0) {
            long next = (sizeBytes / sector + 1) * sector;
            throw new DiskSpecException(
                    "path="
                            + path
                            + " size="
                            + sizeBytes
                            + " is not a multiple of sector="
                            + sector
                            + ": grow it by truncate -s "
                            + next
                            + (sector > 512 ? ", or use sector=512" : ""));
        }
        return sizeBytes;
    }

    private static void lock(Fd fd, DiskSpec spec) throws DiskSpecException {
        boolean exclusive = !spec.opensReadOnly() && !spec.shared();
        boolean locked;
        try {
            locked = exclusive ? FileIo.tryLockExclusive(fd) : FileIo.tryLockShared(fd);
        } catch (LinuxException e) {
            throw new DiskSpecException(
                    "path=" + spec.path() + " cannot be locked: " + reason(e), e);
        }
        if (!locked) {
            throw new DiskSpecException(
                    "path="
                            + spec.path()
                            + " is locked: "
                            + (exclusive ? "somebody uses it already" : "somebody writes to it")
                            + "; end that first, or let several write with ,shared on each");
        }
    }

    private static FileTraits traits(Fd fd, FileStat stat, DiskSpec spec, long sizeBytes)
            throws LinuxException {
        if (stat.type() == FileStat.Type.BLOCK_DEVICE) {
            int sector = BlockDeviceIo.sectorBytes(fd);
            int memory = stat.directMemoryAlignment() != 0 ? stat.directMemoryAlignment() : sector;
            int block =
                    Math.clamp(
                            Integer.highestOneBit(BlockDeviceIo.physicalSectorBytes(fd)),
                            sector,
                            1 << 16);
            return new FileTraits(true, false, spec.direct(), memory, sector, block, true);
        }
        boolean memorySpeed = LinuxFile.isInMemory(fd);
        int memory = stat.directMemoryAlignment();
        int offset = stat.directOffsetAlignment();
        if (memory == 0 || offset == 0) {
            memory = memorySpeed ? 1 : FileIo.memoryAlignment(fd);
            offset = memory;
        }
        boolean punches = !spec.opensReadOnly() && LinuxFile.punchesHoles(fd, sizeBytes);
        return new FileTraits(
                false, memorySpeed, spec.direct(), memory, offset, FILE_BLOCK_BYTES, punches);
    }

    private static void requireAlignment(String path, FileTraits traits, DiskSpec spec)
            throws DiskSpecException {
        int needed = traits.offsetAlignmentBytes();
        if (spec.direct() && spec.sectorBytes() % needed != 0) {
            String way =
                    needed == 4096 ? "use sector=4096 or leave out direct" : "leave out direct";
            throw new DiskSpecException(
                    "path="
                            + path
                            + " can bypass the page cache only in units of "
                            + needed
                            + ", not sector="
                            + spec.sectorBytes()
                            + ": "
                            + way);
        }
    }

    private static void requireNoSignature(String path, RawDisk disk)
            throws DiskSpecException, DiskException, LinuxException {
        ImageSignature signature;
        try (AlignedBuffer buffer = new AlignedBuffer()) {
            byte[] head = sector(disk, 0, buffer);
            byte[] tail = sector(disk, disk.sizeBytes() - disk.sectorBytes(), buffer);
            signature = ImageSignature.find(head, tail);
        }
        if (signature != null) {
            throw new DiskSpecException(
                    "path="
                            + path
                            + " carries the signature of a "
                            + signature.format()
                            + " image, which is not served yet: convert it to raw, or write raw:"
                            + path
                            + " if these bytes are the disk");
        }
    }

    private static byte[] sector(RawDisk disk, long offset, AlignedBuffer buffer)
            throws DiskException {
        disk.read(offset, buffer.vector(disk.sectorBytes()));
        return buffer.memory().asSlice(0, disk.sectorBytes()).toArray(ValueLayout.JAVA_BYTE);
    }

    private static DiskSpecException openRefusal(DiskSpec spec, Path path, LinuxException e) {
        String advice =
                switch (e.errno()) {
                    case Errno.EACCES, Errno.EPERM ->
                            spec.opensReadOnly()
                                    ? "you may not read it: change its permissions"
                                    : "you may not write it: add ,ro or change its permissions";
                    case Errno.EROFS -> "its file system is read-only: add ,ro";
                    case Errno.EBUSY -> "the device is mounted or in use: unmount it, or add ,ro";
                    case Errno.EINVAL ->
                            spec.direct()
                                    ? "its file system cannot bypass the page cache: leave out direct"
                                    : "check the path";
                    default -> "check the path";
                };
        return new DiskSpecException(
                "path=" + path + " cannot be opened: " + reason(e) + "; " + advice, e);
    }

    private static String reason(LinuxException e) {
        return "errno=" + e.errno() + " " + Errno.name(e.errno());
    }
}
