package dev.airlock.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Pieces of memory for one transfer of a {@link StreamSocket}: a {@code struct msghdr} with its
 * iovecs ({@code linux/socket.h}). Filled, transferred and emptied from the front many times; no
 * call allocates. For one thread. The memory it lists is not owned and stays mapped while it is
 * listed.
 */
public final class SocketVector {
    /** {@code linux/uio.h}, UIO_MAXIOV. */
    public static final int PIECES_MAX = 1024;

    private static final int HEADER_BYTES = 56;
    private static final int IOV_OFFSET = 16;
    private static final int IOV_LENGTH_OFFSET = 24;
    private static final int IOVEC_BYTES = 16;

    private final int capacity;
    private final MemorySegment header;
    private final MemorySegment iovecs;

    /** The whole memory of each piece, for copies. */
    private final MemorySegment[] memories;

    private int first;
    private int end;
    private long bytes;

    /**
     * @param capacity most pieces, 1 to {@link #PIECES_MAX}
     */
    public SocketVector(int capacity) {
        if (capacity < 1 || capacity > PIECES_MAX) {
            throw new IllegalArgumentException("capacity=" + capacity + " max=" + PIECES_MAX);
        }
        this.capacity = capacity;
        Arena arena = Arena.ofAuto();
        header = arena.allocate(HEADER_BYTES, 8);
        iovecs = arena.allocate((long) capacity * IOVEC_BYTES, 8);
        memories = new MemorySegment[capacity];
        Arrays.fill(memories, MemorySegment.NULL);
    }

    /** Forgets everything. */
    public void clear() {
        first = 0;
        end = 0;
        bytes = 0;
    }

    /**
     * Appends a piece of native memory; nothing when it is empty.
     *
     * @return false when it is full, and unchanged
     */
    public boolean add(MemorySegment memory, long offset, long length) {
        if (offset < 0 || length < 0 || offset > memory.byteSize() - length) {
            throw new IndexOutOfBoundsException("offset=" + offset + " length=" + length);
        }
        if (length == 0) {
            return true;
        }
        if (end == capacity) {
            return false;
        }
        long at = (long) end * IOVEC_BYTES;
        iovecs.set(JAVA_LONG, at, memory.address() + offset);
        iovecs.set(JAVA_LONG, at + Long.BYTES, length);
        memories[end] = memory;
        end++;
        bytes += length;
        return true;
    }

    /** Pieces that {@link #add} still takes. */
    public int room() {
        return capacity - end;
    }

    /** Bytes listed and not yet consumed. */
    public long bytes() {
        return bytes;
    }

    /**
     * Drops transferred bytes from the front. When nothing is left all room is free again.
     *
     * @param transferred at most {@link #bytes}
     */
    public void consume(long transferred) {
        if (transferred < 0 || transferred > bytes) {
            throw new IllegalArgumentException("transferred=" + transferred + " bytes=" + bytes);
        }
        bytes -= transferred;
        if (bytes == 0) {
            clear();
            return;
        }
        long left = transferred;
        while (left > 0) {
            long at = (long) first * IOVEC_BYTES;
            long length = iovecs.get(JAVA_LONG, at + Long.BYTES);
            if (length > left) {
                iovecs.set(JAVA_LONG, at, iovecs.get(JAVA_LONG, at) + left);
                iovecs.set(JAVA_LONG, at + Long.BYTES, length - left);
                return;
            }
            left -= length;
            first++;
        }
    }

    /**
     * Copies from the front into a buffer, as much as fits, for a stream that is not the socket's
     * own. Consumes nothing.
     *
     * @return bytes
     */
    public int copyTo(ByteBuffer target) {
        return copy(target, true);
    }

    /** Fills the pieces from the front, as {@link #copyTo} in the other direction. */
    public int copyFrom(ByteBuffer source) {
        return copy(source, false);
    }

    private int copy(ByteBuffer buffer, boolean toBuffer) {
        int copied = 0;
        for (int i = first; i < end && buffer.hasRemaining(); i++) {
            long at = (long) i * IOVEC_BYTES;
            MemorySegment memory = memories[i];
            long offset = iovecs.get(JAVA_LONG, at) - memory.address();
            int length = (int) Math.min(iovecs.get(JAVA_LONG, at + Long.BYTES), buffer.remaining());
            MemorySegment rest = MemorySegment.ofBuffer(buffer);
            if (toBuffer) {
                MemorySegment.copy(memory, offset, rest, 0, length);
            } else {
                MemorySegment.copy(rest, 0, memory, offset, length);
            }
            buffer.position(buffer.position() + length);
            copied += length;
        }
        return copied;
    }

    /** The msghdr, for the kernel. */
    MemorySegment header() {
        header.set(JAVA_LONG, IOV_OFFSET, iovecs.address() + (long) first * IOVEC_BYTES);
        header.set(JAVA_LONG, IOV_LENGTH_OFFSET, end - first);
        return header;
    }
}
