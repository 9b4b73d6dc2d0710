package dev.airlock.disk;

import dev.airlock.linux.Errno;
import dev.airlock.memory.IoVector;

/**
 * Moves whole vectors between a file and memory, whatever single calls of the file do: short
 * transfers are continued, interrupted ones repeated, and what lies past the end of the file reads
 * as zeroes.
 *
 * <p>Data move straight from or to the caller's memory. The rest of a short transfer, and memory
 * that does not meet the alignment of O_DIRECT, go through one of a bounded set of aligned buffers.
 * Methods return 0 or a positive errno. Thread-safe; allocates nothing once the buffers are there.
 * Owns the buffers, not the file.
 */
final class FileTransfers implements AutoCloseable {
    private final BackingFile file;
    private final boolean direct;
    private final long memoryMask;
    private final long unitMask;
    private final AlignedBuffers buffers = new AlignedBuffers();

    FileTransfers(BackingFile file) {
        this.file = file;
        FileTraits traits = file.traits();
        direct = traits.direct();
        memoryMask = traits.memoryAlignmentBytes() - 1L;
        unitMask = traits.offsetAlignmentBytes() - 1L;
    }

    /** Fills {@code into}. */
    int read(long offset, IoVector into) throws DiskException {
        long done = isTransferable(into) ? readOnce(into, offset) : 0;
        if (done < 0) {
            return (int) -done;
        }
        return done == into.totalBytes() ? 0 : readThroughBuffer(offset, into, done);
    }

    private int readThroughBuffer(long offset, IoVector into, long alreadyDone)
            throws DiskException {
        long bytes = into.totalBytes();
        AlignedBuffer buffer = buffers.take();
        try {
            long done = alreadyDone;
            while (done < bytes) {
                long at = unitStart(done);
                long got =
                        readOnce(
                                buffer.vector(Math.min(bytes - at, AlignedBuffer.BYTES)),
                                offset + at);
                if (got < 0) {
                    return (int) -got;
                }
                if (at + got <= done) {
                    into.fill(done, bytes - done, (byte) 0);
                    return 0;
                }
                into.copyFrom(at, buffer.memory(), 0, got);
                done = at + got;
            }
            return 0;
        } finally {
            buffers.give(buffer);
        }
    }

    /** Writes all of {@code from}, each part durably if asked for. */
    int write(long offset, IoVector from, boolean durable) throws DiskException {
        long done = isTransferable(from) ? writeOnce(from, offset, durable) : 0;
        if (done < 0) {
            return (int) -done;
        }
        return done == from.totalBytes() ? 0 : writeThroughBuffer(offset, from, done, durable);
    }

    private int writeThroughBuffer(long offset, IoVector from, long alreadyDone, boolean durable)
            throws DiskException {
        long bytes = from.totalBytes();
        AlignedBuffer buffer = buffers.take();
        try {
            long done = alreadyDone;
            while (done < bytes) {
                long at = unitStart(done);
                long piece = Math.min(bytes - at, AlignedBuffer.BYTES);
                from.copyTo(at, buffer.memory(), 0, piece);
                long put = writeOnce(buffer.vector(piece), offset + at, durable);
                if (put < 0) {
                    return (int) -put;
                }
                if (at + put <= done) {
                    return Errno.EIO;
                }
                done = at + put;
            }
            return 0;
        } finally {
            buffers.give(buffer);
        }
    }

    /** Writes zeroes. */
    int writeZeroes(long offset, long bytes) throws DiskException {
        AlignedBuffer buffer = buffers.take();
        try {
            buffer.memory().asSlice(0, Math.min(bytes, AlignedBuffer.BYTES)).fill((byte) 0);
            long done = 0;
            while (done < bytes) {
                long at = unitStart(done);
                long put =
                        writeOnce(
                                buffer.vector(Math.min(bytes - at, AlignedBuffer.BYTES)),
                                offset + at,
                                false);
                if (put < 0) {
                    return (int) -put;
                }
                if (at + put <= done) {
                    return Errno.EIO;
                }
                done = at + put;
            }
            return 0;
        } finally {
            buffers.give(buffer);
        }
    }

    @Override
    public void close() {
        buffers.close();
    }

    private long readOnce(IoVector into, long offset) {
        long got;
        do {
            got = file.read(into, offset);
        } while (got == -Errno.EINTR);
        return got;
    }

    private long writeOnce(IoVector from, long offset, boolean durable) {
        long put;
        do {
            put = file.write(from, offset, durable);
        } while (put == -Errno.EINTR);
        return put;
    }

    /** Whether the file takes this memory as it is. */
    private boolean isTransferable(IoVector vector) {
        if (!direct) {
            return true;
        }
        for (int i = 0; i < vector.count(); i++) {
            long address = vector.segment(i).address() + vector.offset(i);
            if ((address & memoryMask) != 0 || (vector.length(i) & unitMask) != 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * Where to go on after a short transfer: O_DIRECT cannot start in the middle of its unit, so
     * the unit is done again.
     */
    private long unitStart(long done) {
        return direct ? done & ~unitMask : done;
    }
}
