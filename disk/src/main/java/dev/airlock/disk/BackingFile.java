package dev.airlock.disk;

import dev.airlock.linux.LinuxException;
import dev.airlock.memory.IoVector;

/**
 * The file under a disk: positioned I/O and nothing more. It is the seam at which tests put files
 * that fail, or that lose power.
 *
 * <p>Data calls return a byte count or a negative errno and neither retry nor allocate. Offsets and
 * lengths are bytes. Thread-safe; closed by its owner when no call is under way.
 */
interface BackingFile extends AutoCloseable {
    /** Its path, for messages. */
    String path();

    /** What it is like; does not change while it is open. */
    FileTraits traits();

    /** preadv: bytes read, possibly fewer than asked for; 0 at the end of the file. */
    long read(IoVector into, long offset);

    /**
     * As {@link #read}, but instead of waiting for a device returns fewer bytes, {@code -EAGAIN} or
     * {@code -EOPNOTSUPP}.
     */
    long readWithoutWaiting(IoVector into, long offset);

    /**
     * pwritev: bytes written, possibly fewer than asked for.
     *
     * @param durable whether the bytes written must be durable on return
     */
    long write(IoVector from, long offset, boolean durable);

    /** Makes all that was written durable. After a failure nobody knows what is. */
    void syncData() throws LinuxException;

    /** Frees a range, which reads as zeroes from then on; keeps the size. */
    void punchHole(long offset, long bytes) throws LinuxException;

    /** Zeroes a range and keeps or takes the space for it; keeps the size. */
    void zeroRange(long offset, long bytes) throws LinuxException;

    /** Sets the size. */
    void truncate(long bytes) throws LinuxException;

    /** The size now. */
    long size() throws LinuxException;

    /** First offset at or after {@code offset} that is stored; -1 if there is none. */
    long nextData(long offset) throws LinuxException;

    /**
     * First offset at or after {@code offset} that is not stored, where the end of the file counts;
     * -1 past the end.
     */
    long nextHole(long offset) throws LinuxException;

    @Override
    void close();
}
