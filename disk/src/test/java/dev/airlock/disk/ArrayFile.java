package dev.airlock.disk;

import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.IoVector;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;

/** A file in an array, which never fails, and refuses what O_DIRECT would refuse. */
class ArrayFile implements BackingFile {
    static final int BLOCK_BYTES = 4096;

    private final FileTraits traits;
    private final BitSet stored = new BitSet();
    private byte[] content;

    ArrayFile(FileTraits traits, byte[] content) {
        this.traits = traits;
        this.content = content;
    }

    /** Through the page cache. */
    static FileTraits cached() {
        return new FileTraits(false, false, false, 1, 1, BLOCK_BYTES, true);
    }

    /** O_DIRECT with that unit for memory and offsets. */
    static FileTraits direct(int unit) {
        return new FileTraits(false, false, true, unit, unit, BLOCK_BYTES, true);
    }

    @Override
    public String path() {
        return "array";
    }

    @Override
    public FileTraits traits() {
        return traits;
    }

    @Override
    public synchronized long read(IoVector into, long offset) {
        if (isMisaligned(into, offset)) {
            return -Errno.EINVAL;
        }
        long bytes = Math.clamp(content.length - offset, 0, into.totalBytes());
        into.copyFrom(0, MemorySegment.ofArray(content), bytes == 0 ? 0 : offset, bytes);
        return bytes;
    }

    @Override
    public long readWithoutWaiting(IoVector into, long offset) {
        return read(into, offset);
    }

    @Override
    public synchronized long write(IoVector from, long offset, boolean durable) {
        if (isMisaligned(from, offset)) {
            return -Errno.EINVAL;
        }
        int end = Math.toIntExact(offset + from.totalBytes());
        content = end > content.length ? Arrays.copyOf(content, end) : content;
        from.copyTo(0, MemorySegment.ofArray(content), offset, from.totalBytes());
        stored.set((int) offset / BLOCK_BYTES, (end + BLOCK_BYTES - 1) / BLOCK_BYTES);
        return from.totalBytes();
    }

    @Override
    public void syncData() throws LinuxException {}

    @Override
    public synchronized void punchHole(long offset, long bytes) throws LinuxException {
        int from = Math.min(content.length, Math.toIntExact(offset));
        int to = Math.min(content.length, Math.toIntExact(offset + bytes));
        Arrays.fill(content, from, to, (byte) 0);
        int firstWhole = (from + BLOCK_BYTES - 1) / BLOCK_BYTES;
        stored.clear(firstWhole, Math.max(firstWhole, to / BLOCK_BYTES));
    }

    @Override
    public void zeroRange(long offset, long bytes) throws LinuxException {
        throw new LinuxException("fallocate", "", Errno.EOPNOTSUPP);
    }

    @Override
    public synchronized void truncate(long bytes) throws LinuxException {
        content = Arrays.copyOf(content, Math.toIntExact(bytes));
        stored.clear(
                (content.length + BLOCK_BYTES - 1) / BLOCK_BYTES,
                Math.max(stored.length(), content.length));
    }

    @Override
    public synchronized long size() {
        return content.length;
    }

    @Override
    public synchronized long nextData(long offset) throws LinuxException {
        int block = stored.nextSetBit((int) offset / BLOCK_BYTES);
        long data = Math.max(offset, (long) block * BLOCK_BYTES);
        return block < 0 || data >= content.length ? -1 : data;
    }

    @Override
    public synchronized long nextHole(long offset) throws LinuxException {
        long block = stored.nextClearBit((int) offset / BLOCK_BYTES);
        return offset >= content.length
                ? -1
                : Math.clamp(block * BLOCK_BYTES, offset, content.length);
    }

    @Override
    public void close() {}

    /** The content now. */
    synchronized byte[] content() {
        return content.clone();
    }

    private boolean isMisaligned(IoVector vector, long offset) {
        if (!traits.direct()) {
            return false;
        }
        long bits = offset % traits.offsetAlignmentBytes();
        for (int i = 0; i < vector.count(); i++) {
            bits |=
                    (vector.segment(i).address() + vector.offset(i))
                            % traits.memoryAlignmentBytes();
            bits |= vector.length(i) % traits.offsetAlignmentBytes();
        }
        return bits != 0;
    }
}
