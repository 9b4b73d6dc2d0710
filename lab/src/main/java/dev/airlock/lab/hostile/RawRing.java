package dev.airlock.lab.hostile;

import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.RingLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A ring without any rule: whoever has it may write any word at any time. The pages may lie
 * anywhere in a piece of memory, in any order, even twice.
 *
 * <p>Not thread-safe beyond what the memory is. The memory is the caller's.
 */
final class RawRing {
    private static final VarHandle U32 =
            ValueLayout.JAVA_INT
                    .withOrder(ByteOrder.LITTLE_ENDIAN)
                    .varHandle()
                    .withInvokeExactBehavior();

    private final MemorySegment memory;
    private final int[] pages;
    private final int dataBytes;

    /**
     * @param pages number of each of the ring's pages within {@code memory}, control page first
     */
    RawRing(MemorySegment memory, int[] pages) {
        this.memory = memory;
        this.pages = pages.clone();
        this.dataBytes = (pages.length - 1) * HvPage.SIZE;
    }

    /** A ring that is all of a segment. */
    static RawRing of(MemorySegment ring) {
        int[] pages = new int[(int) (ring.byteSize() >>> HvPage.SHIFT)];
        for (int i = 0; i < pages.length; i++) {
            pages[i] = i;
        }
        return new RawRing(ring, pages);
    }

    int dataBytes() {
        return dataBytes;
    }

    /** A word of the control page, as the {@link RingLayout} offsets name it. */
    int word(int offset) {
        return (int) U32.getAcquire(memory, address(offset));
    }

    /** Writes a word of the control page, after everything written before. */
    void word(int offset, int value) {
        U32.setRelease(memory, address(offset), value);
    }

    /** Moves an index forward. */
    int advance(int index, int bytes) {
        return (index + bytes) % dataBytes;
    }

    /** Bytes from one index forward to another; both within the ring. */
    int distance(int from, int to) {
        return Math.floorMod(to - from, dataBytes);
    }

    boolean isIndex(int index) {
        return index >= 0 && index < dataBytes && index % Long.BYTES == 0;
    }

    void copyIn(int index, MemorySegment from, long at, int bytes) {
        for (int done = 0; done < bytes; ) {
            int place = advance(index, done);
            int piece = Math.min(bytes - done, HvPage.SIZE - place % HvPage.SIZE);
            long to = address(RingLayout.DATA_OFFSET + place);
            MemorySegment.copy(from, at + done, memory, to, piece);
            done += piece;
        }
    }

    void copyOut(int index, MemorySegment to, long at, int bytes) {
        for (int done = 0; done < bytes; ) {
            int place = advance(index, done);
            int piece = Math.min(bytes - done, HvPage.SIZE - place % HvPage.SIZE);
            long from = address(RingLayout.DATA_OFFSET + place);
            MemorySegment.copy(memory, from, to, at + done, piece);
            done += piece;
        }
    }

    /** One aligned 8-byte word of the data area. */
    long data(int index) {
        return memory.get(Spoiler.U64, address(RingLayout.DATA_OFFSET + index));
    }

    void data(int index, long value) {
        memory.set(Spoiler.U64, address(RingLayout.DATA_OFFSET + index), value);
    }

    private long address(int offset) {
        return ((long) pages[offset >>> HvPage.SHIFT] << HvPage.SHIFT) + (offset & HvPage.MASK);
    }
}
