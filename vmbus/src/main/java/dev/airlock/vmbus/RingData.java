package dev.airlock.vmbus;

import java.lang.foreign.MemorySegment;

/**
 * The data area of a ring as a circle of bytes: copies in and out in at most two pieces. Knows
 * nothing of indices' meaning; callers pass valid ones. Not thread-safe against itself, which is
 * the reader's and the writer's protocol to ensure.
 */
final class RingData {
    private final MemorySegment data;
    private final int bytes;

    RingData(MemorySegment ring, int dataBytes) {
        this.data = ring.asSlice(RingLayout.DATA_OFFSET, dataBytes);
        this.bytes = dataBytes;
    }

    int bytes() {
        return bytes;
    }

    /** Moves an index forward by less than the data size. */
    int advance(int index, int by) {
        int next = index + by;
        return next >= bytes ? next - bytes : next;
    }

    /** Bytes from one index forward to another; 0 when equal. */
    int distance(int from, int to) {
        int d = to - from;
        return d < 0 ? d + bytes : d;
    }

    void copyIn(int index, MemorySegment source, long offset, int count) {
        int first = Math.min(count, bytes - index);
        MemorySegment.copy(source, offset, data, index, first);
        if (first < count) {
            MemorySegment.copy(source, offset + first, data, 0, count - first);
        }
    }

    void copyOut(int index, MemorySegment target, long offset, int count) {
        int first = Math.min(count, bytes - index);
        MemorySegment.copy(data, index, target, offset, first);
        if (first < count) {
            MemorySegment.copy(data, 0, target, offset + first, count - first);
        }
    }

    /** One 8-byte word, loaded exactly once: opaque, so that no compiler re-reads shared memory. */
    long loadWord(int index) {
        return (long) RingLayout.SHARED_U64.getOpaque(data, (long) index);
    }

    void storeWord(int index, long value) {
        data.set(RingLayout.U64, index, value);
    }
}
