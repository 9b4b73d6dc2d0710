package dev.airlock.vmbus;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The receiving end of one ring. Packets are copied out one by one ({@link #read}); the space they
 * took is given back for a whole batch ({@link #consumed}), which also says whether the writer
 * waits for space and must be signalled.
 *
 * <p>A consumer's loop: {@link #maskInterrupts}, read until 0, {@link #consumed}, {@link
 * #unmaskInterrupts}; when that returns true start over, else sleep until signalled.
 *
 * <p>The peer is hostile: its write index and each packet's header are loaded once and checked
 * before use. Anything wrong fails the ring for good: {@link #read} then returns {@link #CORRUPT}
 * for ever, {@link #fault} says why. No peer behaviour throws or loops.
 *
 * <p>Single-threaded: callers serialise. Never allocates after construction. The ring's memory
 * belongs to the caller and must stay mapped while this object is used.
 */
public final class RingReader {
    /** {@link #read}: the peer broke the ring; it stays failed. */
    public static final int CORRUPT = -1;

    private final MemorySegment ring;
    private final RingData data;
    private int readIndex;
    private int publishedIndex;
    private int peerWriteIndex;
    private RingFault fault = RingFault.NONE;
    private long faultValue;

    /**
     * Attaches to a ring where its shared read index stands (zero in a fresh ring).
     *
     * @param ring control page and data area; see {@link RingLayout#checkRing}
     */
    public RingReader(MemorySegment ring) {
        int dataBytes = RingLayout.checkRing(ring);
        this.ring = ring;
        this.data = new RingData(ring, dataBytes);
        int start =
                (int) RingLayout.SHARED_U32.getAcquire(ring, (long) RingLayout.READ_INDEX_OFFSET);
        if (RingLayout.isValidIndex(start, dataBytes)) {
            readIndex = start;
            publishedIndex = start;
            peerWriteIndex = start;
        } else {
            fail(RingFault.INITIAL_INDEX, Integer.toUnsignedLong(start));
        }
    }

    /**
     * Copies the next packet, descriptor and payload, out of the ring. The copy is the caller's
     * own: its type, lengths and data offset are those that were validated.
     *
     * @param target private memory
     * @param offset where to put the packet
     * @param capacity most bytes to take; a larger packet fails the ring ({@link
     *     RingFault#PACKET_TOO_LARGE})
     * @return packet bytes (a multiple of 8, at least 16), 0 when the ring is empty, {@link
     *     #CORRUPT} when it has failed
     */
    public int read(MemorySegment target, long offset, int capacity) {
        int available = data.distance(readIndex, peerWriteIndex);
        if (available == 0) {
            available = refreshAvailable();
            if (available == 0) {
                return fault == RingFault.NONE ? 0 : CORRUPT;
            }
        }
        // The only load of the header: the copy below may see other bytes, so this word replaces
        // it.
        long header = data.loadWord(readIndex);
        int bytes = PacketDescriptor.packetBytes(header);
        if (!isValidPacket(header, bytes, available, capacity)) {
            return CORRUPT;
        }
        data.copyOut(readIndex, target, offset, bytes);
        PacketDescriptor.putHeader(target, offset, header);
        readIndex = data.advance(readIndex, bytes + RingLayout.TRAILER_BYTES);
        return bytes;
    }

    /**
     * Gives the space of all packets read so far back to the writer.
     *
     * @return true when this made room for a packet the writer waits for: signal it now
     */
    public boolean consumed() {
        int freed = data.distance(publishedIndex, readIndex);
        if (freed == 0) {
            return false;
        }
        publishedIndex = readIndex;
        // Release: our copies are finished before the writer may overwrite what they read.
        RingLayout.SHARED_U32.setRelease(ring, (long) RingLayout.READ_INDEX_OFFSET, publishedIndex);
        // Store-load: our index must be visible before we look for a waiting writer. The writer
        // stores
        // its request, fences, then looks at our index, so one of us always sees the other.
        VarHandle.fullFence();
        int features =
                (int) RingLayout.SHARED_U32.getOpaque(ring, (long) RingLayout.FEATURE_BITS_OFFSET);
        if ((features & RingLayout.FEATURE_PENDING_SEND_SIZE) == 0) {
            return false;
        }
        int pending =
                (int)
                        RingLayout.SHARED_U32.getAcquire(
                                ring, (long) RingLayout.PENDING_SEND_SIZE_OFFSET);
        return pending != 0 && becameRoomy(pending, freed);
    }

    /** Tells the writer not to signal new data; advice only, a signal may still come. */
    public void maskInterrupts() {
        RingLayout.SHARED_U32.setOpaque(ring, (long) RingLayout.INTERRUPT_MASK_OFFSET, 1);
    }

    /**
     * Asks the writer to signal new data again. Call it when {@link #read} has returned 0 and
     * {@link #consumed} was called: the writer signals only when the ring it sees was empty.
     *
     * @return true when something arrived meanwhile, or the ring was just found corrupt: read again
     *     before sleeping
     */
    public boolean unmaskInterrupts() {
        RingLayout.SHARED_U32.setOpaque(ring, (long) RingLayout.INTERRUPT_MASK_OFFSET, 0);
        // Store-load: the mask must be clear before we look a last time; see RingWriter.publish.
        VarHandle.fullFence();
        if (fault != RingFault.NONE) {
            return false;
        }
        return refreshAvailable() != 0 || fault != RingFault.NONE;
    }

    /** Whether a read would return something other than 0; looks at the writer's index. */
    public boolean hasData() {
        return data.distance(readIndex, peerWriteIndex) != 0
                || refreshAvailable() != 0
                || fault != RingFault.NONE;
    }

    /** True once the peer corrupted the ring; it stays so. */
    public boolean isFailed() {
        return fault != RingFault.NONE;
    }

    /** What failed the ring, {@link RingFault#NONE} when nothing did. */
    public RingFault fault() {
        return fault;
    }

    /** One line that says what failed the ring and the value found. Allocates; for reports. */
    public String describeFault() {
        return fault.describe(faultValue, data.bytes());
    }

    /** Where the next packet is read, in bytes from the start of the data area. */
    public int readIndex() {
        return readIndex;
    }

    /** Bytes of the data area. */
    public int capacityBytes() {
        return data.bytes();
    }

    /** Loads and checks the writer's index. Returns 0 for empty and for a failed ring. */
    private int refreshAvailable() {
        if (fault != RingFault.NONE) {
            return 0;
        }
        // Acquire: the packets are in memory before the index that reveals them.
        int write =
                (int) RingLayout.SHARED_U32.getAcquire(ring, (long) RingLayout.WRITE_INDEX_OFFSET);
        if (!RingLayout.isValidIndex(write, data.bytes())) {
            fail(RingFault.WRITE_INDEX, Integer.toUnsignedLong(write));
            return 0;
        }
        peerWriteIndex = write;
        return data.distance(readIndex, write);
    }

    private boolean isValidPacket(long header, int bytes, int available, int capacity) {
        int dataOffset = PacketDescriptor.dataOffset(header);
        if (bytes < PacketDescriptor.BYTES || bytes + RingLayout.TRAILER_BYTES > available) {
            fail(RingFault.PACKET_LENGTH, header);
        } else if (dataOffset < PacketDescriptor.BYTES || dataOffset > bytes) {
            fail(RingFault.DATA_OFFSET, header);
        } else if (bytes > capacity) {
            fail(RingFault.PACKET_TOO_LARGE, bytes);
        } else {
            return true;
        }
        return false;
    }

    /**
     * The transition rule of Linux {@code hv_pkt_iter_close}: signal when there is room for the
     * waiting packet now and was not before this batch. Otherwise every batch would signal a writer
     * that has not woken yet.
     */
    private boolean becameRoomy(int pending, int freed) {
        int write =
                (int) RingLayout.SHARED_U32.getAcquire(ring, (long) RingLayout.WRITE_INDEX_OFFSET);
        if (!RingLayout.isValidIndex(write, data.bytes())) {
            fail(RingFault.WRITE_INDEX, Integer.toUnsignedLong(write));
            return false;
        }
        int free = data.bytes() - data.distance(publishedIndex, write);
        return Integer.compareUnsigned(free, pending) > 0
                && Integer.compareUnsigned(free - freed, pending) <= 0;
    }

    private void fail(RingFault why, long value) {
        if (fault == RingFault.NONE) {
            fault = why;
            faultValue = value;
            // Nothing more is taken from this ring.
            peerWriteIndex = readIndex;
        }
    }
}
