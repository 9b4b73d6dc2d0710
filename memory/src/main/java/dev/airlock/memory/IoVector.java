package dev.airlock.memory;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A list of ranges of mapped memory with a fixed capacity, kept at the same time as a native array
 * of {@code struct iovec} (pointer, length; {@code linux/uio.h}), so that preadv2 and pwritev2 can
 * work on it. Neighbouring ranges become one.
 *
 * <p>For one thread. Allocates nothing after construction. It does not own the memory it lists,
 * which must stay mapped while the kernel works on it. Offsets called {@code byteOffset} count
 * through all ranges as if they were one piece.
 */
public final class IoVector {
    /** Ranges a transfer of 2 MiB at any in-page offset can need, and one to spare. */
    public static final int USUAL_CAPACITY = 514;

    private static final int IOVEC_BYTES = 16;
    private static final int IOVEC_LENGTH_OFFSET = 8;

    private final MemorySegment[] segments;
    private final long[] offsets;
    private final long[] lengths;
    private final MemorySegment iovecs;
    private int count;
    private long totalBytes;

    /**
     * @param capacity the most ranges it can hold; the kernel takes at most 1024 in one transfer
     */
    public IoVector(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("no room for a range: capacity=" + capacity);
        }
        segments = new MemorySegment[capacity];
        Arrays.fill(segments, MemorySegment.NULL);
        offsets = new long[capacity];
        lengths = new long[capacity];
        iovecs = Arena.ofAuto().allocate((long) capacity * IOVEC_BYTES, 8);
    }

    /** Forgets all ranges. */
    public void clear() {
        count = 0;
        totalBytes = 0;
    }

    /**
     * Appends a range; a part of {@code segment} that continues the last range extends it.
     *
     * @return false when it is full, and unchanged
     * @throws IndexOutOfBoundsException if the range is not inside the segment
     */
    public boolean add(MemorySegment segment, long offset, long bytes) {
        if (offset < 0 || bytes < 0 || offset > segment.byteSize() - bytes) {
            throw outside(offset, bytes, segment.byteSize());
        }
        if (bytes == 0) {
            return true;
        }
        int last = count - 1;
        if (last >= 0
                && segments[last].equals(segment)
                && offsets[last] + lengths[last] == offset) {
            lengths[last] += bytes;
            iovecs.set(JAVA_LONG, (long) last * IOVEC_BYTES + IOVEC_LENGTH_OFFSET, lengths[last]);
        } else {
            if (count == lengths.length) {
                return false;
            }
            segments[count] = segment;
            offsets[count] = offset;
            lengths[count] = bytes;
            long at = (long) count * IOVEC_BYTES;
            iovecs.set(JAVA_LONG, at, segment.address() + offset);
            iovecs.set(JAVA_LONG, at + IOVEC_LENGTH_OFFSET, bytes);
            count++;
        }
        totalBytes += bytes;
        return true;
    }

    /** Ranges in the list. */
    public int count() {
        return count;
    }

    /** Bytes in all ranges. */
    public long totalBytes() {
        return totalBytes;
    }

    /** The most ranges it can hold. */
    public int capacity() {
        return lengths.length;
    }

    /**
     * The ranges as {@code struct iovec}, of which the first {@link #count} hold. Only for native
     * memory.
     */
    public MemorySegment nativeIovecs() {
        return iovecs;
    }

    /** The memory of a range. */
    public MemorySegment segment(int index) {
        return segments[checkIndex(index)];
    }

    /** Where a range begins in its segment, in bytes. */
    public long offset(int index) {
        return offsets[checkIndex(index)];
    }

    /** Bytes of a range. */
    public long length(int index) {
        return lengths[checkIndex(index)];
    }

    /**
     * Copies a part out. Throws {@link IndexOutOfBoundsException} beyond the ranges or {@code to}.
     */
    public void copyTo(long byteOffset, MemorySegment to, long toOffset, long bytes) {
        checkRange(byteOffset, bytes);
        long skip = byteOffset;
        long done = 0;
        for (int i = 0; done < bytes; i++) {
            if (skip >= lengths[i]) {
                skip -= lengths[i];
                continue;
            }
            long part = Math.min(lengths[i] - skip, bytes - done);
            MemorySegment.copy(segments[i], offsets[i] + skip, to, toOffset + done, part);
            done += part;
            skip = 0;
        }
    }

    /**
     * Copies a part in. Throws {@link IndexOutOfBoundsException} beyond the ranges or {@code from}.
     */
    public void copyFrom(long byteOffset, MemorySegment from, long fromOffset, long bytes) {
        checkRange(byteOffset, bytes);
        long skip = byteOffset;
        long done = 0;
        for (int i = 0; done < bytes; i++) {
            if (skip >= lengths[i]) {
                skip -= lengths[i];
                continue;
            }
            long part = Math.min(lengths[i] - skip, bytes - done);
            MemorySegment.copy(from, fromOffset + done, segments[i], offsets[i] + skip, part);
            done += part;
            skip = 0;
        }
    }

    /** Sets every byte of a part. Throws {@link IndexOutOfBoundsException} beyond the ranges. */
    public void fill(long byteOffset, long bytes, byte value) {
        checkRange(byteOffset, bytes);
        long skip = byteOffset;
        long done = 0;
        for (int i = 0; done < bytes; i++) {
            if (skip >= lengths[i]) {
                skip -= lengths[i];
                continue;
            }
            long part = Math.min(lengths[i] - skip, bytes - done);
            segments[i].asSlice(offsets[i] + skip, part).fill(value);
            done += part;
            skip = 0;
        }
    }

    /**
     * Makes {@code into} a list of a part of this one.
     *
     * @return false when its capacity does not suffice; it is empty then
     * @throws IndexOutOfBoundsException beyond the ranges
     */
    public boolean slice(long byteOffset, long bytes, IoVector into) {
        checkRange(byteOffset, bytes);
        into.clear();
        long skip = byteOffset;
        long done = 0;
        for (int i = 0; done < bytes; i++) {
            if (skip >= lengths[i]) {
                skip -= lengths[i];
                continue;
            }
            long part = Math.min(lengths[i] - skip, bytes - done);
            if (!into.add(segments[i], offsets[i] + skip, part)) {
                into.clear();
                return false;
            }
            done += part;
            skip = 0;
        }
        return true;
    }

    @Override
    public String toString() {
        return "IoVector count=" + count + " totalBytes=" + totalBytes;
    }

    private int checkIndex(int index) {
        if (index < 0 || index >= count) {
            throw new IndexOutOfBoundsException("index=" + index + " count=" + count);
        }
        return index;
    }

    private void checkRange(long byteOffset, long bytes) {
        if (byteOffset < 0 || bytes < 0 || byteOffset > totalBytes - bytes) {
            throw outside(byteOffset, bytes, totalBytes);
        }
    }

    private static IndexOutOfBoundsException outside(long offset, long bytes, long size) {
        return new IndexOutOfBoundsException(
                "offset=" + offset + " bytes=" + bytes + " size=" + size);
    }
}
