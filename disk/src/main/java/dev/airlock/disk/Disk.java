package dev.airlock.disk;

import dev.airlock.memory.IoVector;

/**
 * A disk: a row of sectors that can be read and written.
 *
 * <p><b>Contract.</b> Calls are synchronous: memory in an {@link IoVector} belongs to the caller
 * and is not touched after the call returned. Offsets are in bytes from the start of the disk.
 * Offsets and lengths are multiples of {@link #sectorBytes}; a call that breaks this is a bug of
 * the caller ({@link IllegalArgumentException}). A range that is whole sectors but not within the
 * disk is an answer ({@link DiskException.Kind#OUT_OF_RANGE}), checked before anything is changed.
 * An empty range within the disk succeeds and does nothing.
 *
 * <p><b>Threads.</b> Every method but {@link #close} may be called by any number of threads at
 * once, also virtual ones. Requests that overlap and run at the same time happen in some order for
 * each sector, except where an implementation says less. An {@link IoVector} is used by one call at
 * a time.
 *
 * <p><b>Durability.</b> A write that returned before a flush began is durable when that flush
 * returns: it survives a crash of the process and of the machine. The same holds for unmap and
 * writeZeroes. A write with {@code fua} is durable when it returns. What was written and not
 * flushed may after a crash be old, new, or torn within the written range; nothing outside it
 * changes. If the store fails to make data durable the disk is <em>poisoned</em>: which
 * acknowledged data are lost cannot be known, so every later write, unmap, writeZeroes, resize and
 * flush fails with {@link DiskException.Kind#POISONED} until the disk is opened again. Reads go on
 * and return what the store gives, which may be older than what was written: the failed flush told
 * so, and whoever saves what can be saved needs them.
 *
 * <p><b>Memory.</b> The calls that move data allocate nothing unless they fail.
 */
public interface Disk extends AutoCloseable {
    /** Bytes per sector where nothing else is asked for. */
    int DEFAULT_SECTOR_BYTES = 512;

    /**
     * Size in bytes, a multiple of {@link #sectorBytes}. Changes by {@link #resize} and {@link
     * #rescan} only.
     */
    long sizeBytes();

    /** Bytes per logical sector, 512 or 4096: the unit of every offset and length. */
    int sectorBytes();

    /**
     * Bytes that the store writes without reading others first: a power of two, at least {@link
     * #sectorBytes}. A hint.
     */
    int physicalSectorBytes();

    /**
     * Whether every change fails with {@link DiskException.Kind#READ_ONLY}. Flush succeeds on such
     * a disk.
     */
    boolean isReadOnly();

    /** What this disk can do beyond reading and writing. */
    DiskLimits limits();

    /**
     * Whether read, write and flush may wait for a device. False means memory speed: they may run
     * on a thread that serves others too.
     */
    boolean mayBlock();

    /**
     * Reads if that takes no waiting (a cached file), else does nothing useful. On false the
     * content of {@code into} is unspecified and the caller reads again by {@link #read}, where it
     * may wait.
     *
     * @return true if the read is complete, as by {@link #read}
     * @throws DiskException as {@link #read} does; an implementation may also return false and
     *     leave the failure to {@link #read}
     */
    boolean tryRead(long offset, IoVector into) throws DiskException;

    /** Fills {@code into} from {@code offset} on. Sectors never written read as zeroes. */
    void read(long offset, IoVector into) throws DiskException;

    /**
     * Writes all of {@code from} at {@code offset}.
     *
     * @param fua whether the data must be durable when the call returns ("force unit access")
     */
    void write(long offset, IoVector from, boolean fua) throws DiskException;

    /** Makes everything acknowledged before the call durable. */
    void flush() throws DiskException;

    /**
     * Tells the store that the content of a range is not needed any more. It frees what space it
     * can; what the range reads as afterwards is said by {@link DiskLimits#unmapReadsZeroes}.
     */
    void unmap(long offset, long bytes) throws DiskException;

    /**
     * Makes a range read as zeroes.
     *
     * @param mayUnmap whether its space may be freed; if not, space is kept or allocated where the
     *     store can, so that later writes find it
     */
    void writeZeroes(long offset, long bytes, boolean mayUnmap) throws DiskException;

    /** Walks what is allocated within a range, until its end or until {@code sink} says stop. */
    void extents(long offset, long bytes, ExtentSink sink) throws DiskException;

    /**
     * Changes the size. New sectors read as zeroes. Requests that come later find the new size; one
     * beyond the smaller size that is under way may fail or have no effect.
     *
     * @throws DiskException kind OUT_OF_RANGE if this disk cannot have that size
     */
    void resize(long newBytes) throws DiskException;

    /**
     * Takes over a size that the store was given by somebody else: a file truncated or extended, a
     * block device resized. What is no whole sector at the end does not count.
     *
     * @return whether the size is another one now
     * @throws DiskException kind OUT_OF_RANGE if nothing is left of the store
     */
    default boolean rescan() throws DiskException {
        return false;
    }

    /**
     * Frees everything the disk holds; does not flush. The caller sees to it that no other call is
     * under way. Closing again does nothing; any other call afterwards throws {@link
     * IllegalStateException}.
     */
    @Override
    void close();
}
