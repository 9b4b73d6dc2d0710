package dev.airlock.vmbus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The data area of a ring as a circle of bytes: copies in and out in at most two pieces. Knows
 * nothing of indices' meaning; callers pass valid ones. Not thread-safe against itself, which is
 * the reader's and the writer's protocol to ensure.
 */
final class RingData {
    /** Below this, a loop of 8-byte words beats the call into the bulk copy. */
    private static final int WORD_LOOP_BYTES = 256;

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

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
        copy(source, offset, data, index, first);
        if (first < count) {
            copy(source, offset + first, data, 0, count - first);
        }
    }

    void copyOut(int index, MemorySegment target, long offset, int count) {
        int first = Math.min(count, bytes - index);
        copy(data, index, target, offset, first);
        if (first < count) {
            copy(data, 0, target, offset + first, count - first);
        }
    }

    /** One 8-byte word, loaded exactly once: opaque, so that no compiler re-reads shared memory. */
    long loadWord(int index) {
        return (long) RingLayout.SHARED_U64.getOpaque(data, (long) index);
    }

    void storeWord(int index, long value) {
        data.set(RingLayout.U64, index, value);
    }

    private static void copy(MemorySegment from, long fromAt, MemorySegment to, long toAt, int n) {
        if (n > WORD_LOOP_BYTES) {
            MemorySegment.copy(from, fromAt, to, toAt, n);
            return;
        }
        for (int i = 0; i < n; i += Long.BYTES) {
            to.set(WORD, toAt + i, from.get(WORD, fromAt + i));
        }
    }
}
