package dev.airlock.linux;

/**
 * What a file is (statx(2)). Immutable.
 *
 * @param type what kind of file
 * @param sizeBytes size of a regular file; 0 for a block device, see {@link FileIo#size}
 * @param allocatedBytes storage in use
 * @param device number of the file system's device; with {@code inode} it identifies the file
 * @param inode number within the file system
 * @param mode permission bits
 * @param uid owner
 * @param directMemoryAlignment alignment of memory for O_DIRECT, 0 when unknown or not supported
 * @param directOffsetAlignment alignment of offsets and lengths for O_DIRECT, 0 when unknown or not
 *     supported
 */
public record FileStat(
        Type type,
        long sizeBytes,
        long allocatedBytes,
        long device,
        long inode,
        int mode,
        int uid,
        int directMemoryAlignment,
        int directOffsetAlignment) {

    /** Kinds of files, from S_IFMT of {@code linux/stat.h}. */
    public enum Type {
        REGULAR,
        BLOCK_DEVICE,
        DIRECTORY,
        SOCKET,
        OTHER;

        static Type of(int mode) {
            return switch (mode & 0xF000) {
                case 0x8000 -> REGULAR;
                case 0x6000 -> BLOCK_DEVICE;
                case 0x4000 -> DIRECTORY;
                case 0xC000 -> SOCKET;
                default -> OTHER;
            };
        }
    }

    /** Whether both describe the same file. */
    public boolean isSameFile(FileStat other) {
        return device == other.device && inode == other.inode;
    }
}
