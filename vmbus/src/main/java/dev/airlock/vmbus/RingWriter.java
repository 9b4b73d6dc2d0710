package dev.airlock.vmbus;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The sending end of one ring. Packets are written into free space ({@link #write}) and become
 * visible to the peer together ({@link #publish}), which also says whether the peer must be
 * signalled.
 *
 * <p>The peer is hostile: its read index is checked at each load; an index out of range or
 * unaligned fails the ring for good ({@link #isFailed}), after which writes return false. No peer
 * behaviour throws or loops. Own indices are private; the shared words are only written.
 *
 * <p>Single-threaded: callers serialise. Never allocates after construction. The ring's memory
 * belongs to the caller and must stay mapped while this object is used.
 */
public final class RingWriter {
    /**
     * Bit of {@link #publish} and {@link #awaitRoom}: the peer sleeps and must be signalled now.
     */
    public static final int SIGNAL = 1;

    /** Bit of {@link #awaitRoom}: the packet fits now, nothing was armed. */
    public static final int ROOM = 2;

    private final MemorySegment ring;
    private final RingData data;
    private int writeIndex;
    private int publishedIndex;
    private int peerReadIndex;
    private boolean pendingArmed;
    private RingFault fault = RingFault.NONE;
    private long faultValue;

    /**
     * Attaches to a ring where its shared write index stands (zero in a fresh ring) and announces
     * that this writer uses pending_send_sz.
     *
     * @param ring control page and data area; see {@link RingLayout#checkRing}
     */
    public RingWriter(MemorySegment ring) {
        int dataBytes = RingLayout.checkRing(ring);
        this.ring = ring;
        this.data = new RingData(ring, dataBytes);
        int start =
                (int) RingLayout.SHARED_U32.getAcquire(ring, (long) RingLayout.WRITE_INDEX_OFFSET);
        if (RingLayout.isValidIndex(start, dataBytes)) {
            writeIndex = start;
            publishedIndex = start;
            // Until the first refresh the ring counts as full, so that the peer's index is checked.
            peerReadIndex = data.advance(start, Long.BYTES);
        } else {
            fail(RingFault.INITIAL_INDEX, start);
        }
        RingLayout.SHARED_U32.setOpaque(ring, (long) RingLayout.PENDING_SEND_SIZE_OFFSET, 0);
        RingLayout.SHARED_U32.setRelease(
                ring, (long) RingLayout.FEATURE_BITS_OFFSET, RingLayout.FEATURE_PENDING_SEND_SIZE);
    }

    /** Largest packet this ring can ever carry, in bytes, trailer not counted. */
    public int maxPacketBytes() {
        return Math.min(
                PacketDescriptor.MAX_PACKET_BYTES,
                data.bytes() - RingLayout.TRAILER_BYTES - Long.BYTES);
    }

    /**
     * Copies one packet and its trailer into the ring. The peer does not see it before {@link
     * #publish}.
     *
     * @param packet descriptor and payload; its {@code len8} must say {@code bytes / 8}
     * @param offset where the packet begins
     * @param bytes multiple of 8, from 16 to {@link #maxPacketBytes()}
     * @return false when it does not fit now, or the ring has failed; nothing was written
     * @throws IllegalArgumentException when the packet could never be valid (caller's bug)
     */
    public boolean write(MemorySegment packet, long offset, int bytes) {
        if (bytes > maxPacketBytes()
                || bytes != PacketDescriptor.packetBytes(packet, offset)
                || bytes < PacketDescriptor.BYTES) {
            throw badPacket(bytes);
        }
        if (!fits(bytes)) {
            return false;
        }
        int start = writeIndex;
        data.copyIn(start, packet, offset, bytes);
        int trailerAt = data.advance(start, bytes);
        data.storeWord(trailerAt, RingLayout.trailer(start));
        writeIndex = data.advance(trailerAt, RingLayout.TRAILER_BYTES);
        if (pendingArmed) {
            disarm();
        }
        return true;
    }

    /**
     * Makes everything written so far visible to the peer.
     *
     * @return {@link #SIGNAL} when the ring went from empty to non-empty and the peer has not
     *     masked its interrupt, else 0
     */
    public int publish() {
        int old = publishedIndex;
        if (writeIndex == old) {
            return 0;
        }
        publishedIndex = writeIndex;
        // Release: the packets are in memory before the index that reveals them.
        RingLayout.SHARED_U32.setRelease(
                ring, (long) RingLayout.WRITE_INDEX_OFFSET, publishedIndex);
        // Store-load: our index must be visible before we look at the mask. The reader does the
        // mirror
        // image (clear mask, fence, look at our index), so one of us always sees the other.
        VarHandle.fullFence();
        if ((int) RingLayout.SHARED_U32.getAcquire(ring, (long) RingLayout.INTERRUPT_MASK_OFFSET)
                != 0) {
            return 0;
        }
        // The mask is loaded before the read index (acquire above). A wild read index compares
        // unequal
        // here, which costs the peer its own signal, and fails the ring when space is next needed.
        int read =
                (int) RingLayout.SHARED_U32.getAcquire(ring, (long) RingLayout.READ_INDEX_OFFSET);
        return read == old ? SIGNAL : 0;
    }

    /**
     * Whether the peer has taken all it was shown while something is written that it was not: it
     * idles, or sleeps, for want of a {@link #publish}. A hint; looks at the peer's index.
     */
    public boolean isPeerStarving() {
        return writeIndex != publishedIndex
                && (int) RingLayout.SHARED_U32.getOpaque(ring, (long) RingLayout.READ_INDEX_OFFSET)
                        == publishedIndex;
    }

    /**
     * Asks the peer to signal us when a packet of {@code bytes} fits (pending_send_sz). Publishes
     * what was written before, since the peer computes free space from the published index. The
     * request ends with the next successful {@link #write} or with {@link #cancelAwaitRoom}.
     *
     * @param bytes packet size, trailer not counted
     * @return {@link #ROOM} when it fits already (write now; nothing is armed), and {@link #SIGNAL}
     *     as {@link #publish} would return; 0 means wait
     */
    public int awaitRoom(int bytes) {
        int flags = publish();
        if (fault != RingFault.NONE) {
            return flags;
        }
        pendingArmed = true;
        RingLayout.SHARED_U32.setOpaque(
                ring, (long) RingLayout.PENDING_SEND_SIZE_OFFSET, bytes + RingLayout.TRAILER_BYTES);
        // Store-load: the request must be visible before we look at the read index a last time; the
        // reader moves its index, fences, then looks at the request.
        VarHandle.fullFence();
        refreshPeerIndex();
        if (hasRoom(bytes)) {
            disarm();
            return flags | ROOM;
        }
        return flags;
    }

    /** Withdraws the request of {@link #awaitRoom}. */
    public void cancelAwaitRoom() {
        if (pendingArmed) {
            disarm();
        }
    }

    /**
     * Whether a packet of this size could be written now; refreshes the peer's index if need be.
     */
    public boolean fits(int bytes) {
        if (hasRoom(bytes)) {
            return true;
        }
        refreshPeerIndex();
        return hasRoom(bytes);
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

    /** Where the next packet is written, in bytes from the start of the data area. */
    public int writeIndex() {
        return writeIndex;
    }

    /** Bytes of the data area. */
    public int capacityBytes() {
        return data.bytes();
    }

    /** Strictly more free space than needed: a full ring would look empty. */
    private boolean hasRoom(int bytes) {
        int free = data.bytes() - data.distance(peerReadIndex, writeIndex);
        return free > bytes + RingLayout.TRAILER_BYTES && fault == RingFault.NONE;
    }

    private void refreshPeerIndex() {
        // Acquire: the reader's copies out of the space it frees are finished before we overwrite
        // it.
        int read =
                (int) RingLayout.SHARED_U32.getAcquire(ring, (long) RingLayout.READ_INDEX_OFFSET);
        if (RingLayout.isValidIndex(read, data.bytes())) {
            peerReadIndex = read;
        } else {
            fail(RingFault.READ_INDEX, read);
        }
    }

    private void disarm() {
        pendingArmed = false;
        RingLayout.SHARED_U32.setOpaque(ring, (long) RingLayout.PENDING_SEND_SIZE_OFFSET, 0);
    }

    private void fail(RingFault why, int value) {
        if (fault == RingFault.NONE) {
            fault = why;
            faultValue = Integer.toUnsignedLong(value);
        }
    }

    private IllegalArgumentException badPacket(int bytes) {
        return new IllegalArgumentException(
                "packet size must be its len8 * 8, in [%d, %d]: bytes=%d"
                        .formatted(PacketDescriptor.BYTES, maxPacketBytes(), bytes));
    }
}
