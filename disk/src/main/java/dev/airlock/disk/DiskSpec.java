package dev.airlock.disk;

import dev.airlock.linux.Fd;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A disk as a user names it on the command line:
 *
 * <pre>
 * [raw:|mem:|null:]PATH-or-SIZE[,ro][,direct][,sector=4096][,snapshot][,shared][,name=N]
 * </pre>
 *
 * <p>A comma in a path or name is written twice. {@code ro} opens for reading only; {@code direct}
 * bypasses the page cache (O_DIRECT); {@code snapshot} keeps all changes in a temporary file that
 * vanishes with the disk, and never opens the file for writing; {@code shared} lets several guests,
 * and other processes that say {@code shared}, write at the same time.
 *
 * <p><b>Locks.</b> A writer holds the file's open-file-description lock exclusively; readers, and
 * writers with {@code shared}, hold it shared. So a plain writer is alone, and everybody else gets
 * along.
 *
 * <p>Immutable. Opening is done in one step by {@link #open()}, or in two when the process that may
 * open files is not the one that serves them: {@link #openDescriptors} there, {@link #open(List)}
 * here.
 *
 * @param source what kind of thing is named
 * @param name what the disk is called among others; the last part of its path unless given
 * @param path the file; null for a memory or null disk
 * @param sizeBytes size of a memory or null disk; 0 for a file, which has its own
 * @param sectorBytes 512 or 4096
 * @param readOnly whether guests may only read
 * @param direct whether the page cache is bypassed
 * @param snapshot whether changes are thrown away at the end
 * @param shared whether others may write at the same time
 */
public record DiskSpec(
        Source source,
        String name,
        @Nullable Path path,
        long sizeBytes,
        int sectorBytes,
        boolean readOnly,
        boolean direct,
        boolean snapshot,
        boolean shared) {

    /** What a disk is made of. */
    public enum Source {
        /** A raw file or block device; refused if it carries the signature of an image format. */
        FILE(""),
        /** A raw file or block device, whatever its content looks like. */
        RAW_FILE("raw:"),
        /** A {@link MemoryDisk}. */
        MEMORY("mem:"),
        /** A {@link NullDisk}. */
        NULL("null:");

        private final String prefix;

        Source(String prefix) {
            this.prefix = prefix;
        }

        /** How it is written before the path or size. */
        String prefix() {
            return prefix;
        }

        /** Whether it has a path. */
        public boolean isFile() {
            return this == FILE || this == RAW_FILE;
        }
    }

    /**
     * Reads a DISK argument; no file is looked at.
     *
     * @throws DiskSpecException with one line that says what to write instead
     */
    public static DiskSpec parse(String text) throws DiskSpecException {
        return new DiskSpecParser(text).parse();
    }

    /**
     * Opens the disk; the caller owns it.
     *
     * @throws DiskSpecException with one line for the user; nothing is left open or locked
     */
    public Disk open() throws DiskSpecException {
        return open(openDescriptors());
    }

    /**
     * Opens and locks the files that the disk consists of, for {@link #open(List)} in this or
     * another process: the file, then the temporary file of a snapshot; nothing for a memory or
     * null disk. The caller owns them. The lock lasts until the last duplicate is closed.
     *
     * @throws DiskSpecException with one line for the user; nothing is left open or locked
     */
    public List<Fd> openDescriptors() throws DiskSpecException {
        if (!source.isFile()) {
            return List.of();
        }
        Fd image = ImageFile.open(this);
        if (!snapshot) {
            return List.of(image);
        }
        try {
            return List.of(image, OverlayFile.open());
        } catch (DiskSpecException e) {
            image.close();
            throw e;
        }
    }

    /**
     * Makes a disk of descriptors that {@link #openDescriptors} returned here or in another
     * process. They are not trusted to be what they should: type, access, size, signature and lock
     * are looked at again.
     *
     * @param descriptors owned by the disk from now on, also when this fails
     * @throws DiskSpecException with one line for the user
     */
    public Disk open(List<Fd> descriptors) throws DiskSpecException {
        try {
            int expected = source.isFile() ? snapshot ? 2 : 1 : 0;
            if (descriptors.size() != expected) {
                throw new DiskSpecException(
                        "disk="
                                + this
                                + " came with descriptors="
                                + descriptors.size()
                                + ", it needs "
                                + expected);
            }
            return switch (source) {
                case MEMORY -> new MemoryDisk(sizeBytes, sectorBytes, readOnly);
                case NULL -> new NullDisk(sizeBytes, sectorBytes, readOnly);
                case FILE, RAW_FILE -> openFile(descriptors);
            };
        } catch (DiskSpecException | RuntimeException e) {
            descriptors.forEach(Fd::close);
            throw e;
        }
    }

    private Disk openFile(List<Fd> descriptors) throws DiskSpecException {
        Disk image = ImageFile.disk(descriptors.getFirst(), this);
        return snapshot
                ? new OverlayDisk(image, OverlayFile.changes(descriptors.get(1), image))
                : image;
    }

    /** Whether what is written to it ends with the process that has it open. */
    public boolean isVolatile() {
        return source == Source.MEMORY || snapshot;
    }

    /** Whether the file itself is opened for reading only. */
    boolean opensReadOnly() {
        return readOnly || snapshot;
    }

    /** The file of a spec that names one. */
    Path requirePath() {
        return Objects.requireNonNull(path, "not a file");
    }

    /** The spec as it is written; {@link #parse} gives it back. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(source.prefix());
        text.append(path != null ? escaped(path.toString()) : ByteSize.format(sizeBytes));
        text.append(readOnly ? ",ro" : "").append(direct ? ",direct" : "");
        text.append(sectorBytes == DEFAULT_SECTOR_BYTES ? "" : ",sector=" + sectorBytes);
        text.append(snapshot ? ",snapshot" : "").append(shared ? ",shared" : "");
        return text.append(",name=").append(escaped(name)).toString();
    }

    private static final int DEFAULT_SECTOR_BYTES = Disk.DEFAULT_SECTOR_BYTES;

    private static String escaped(String word) {
        return word.replace(",", ",,");
    }
}
