package dev.airlock.vmbus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * One VMBus ring: a control page and the data area behind it. Source: Linux {@code
 * include/linux/hyperv.h}, {@code struct hv_ring_buffer}; all words little endian.
 *
 * <pre>
 *    0 +---------------------+ write_index      (owned by the writer)
 *    4 +---------------------+ read_index       (owned by the reader)
 *    8 +---------------------+ interrupt_mask   (owned by the reader: 1 = do not signal new data)
 *   12 +---------------------+ pending_send_sz  (owned by the writer: bytes it waits for, 0 = none)
 *   16 +---------------------+ reserved1[12]
 *   64 +---------------------+ feature_bits     (owned by the writer: bit 0 = pending_send_sz is used)
 *   68 +---------------------+ reserved2
 * 4096 +---------------------+ data: packets, each followed by an 8-byte trailer
 * </pre>
 *
 * <p>Indices are byte offsets from the start of the data area, always multiples of 8 and smaller
 * than its size. Equal indices mean empty, so a writer never fills the last 8 bytes. A packet may
 * wrap; as everything is a multiple of 8, no aligned 8-byte word ever does.
 */
public final class RingLayout {
    /** {@code hv_ring_buffer.write_index}, u32. */
    public static final int WRITE_INDEX_OFFSET = 0;

    /** {@code hv_ring_buffer.read_index}, u32. */
    public static final int READ_INDEX_OFFSET = WRITE_INDEX_OFFSET + Integer.BYTES;

    /** {@code hv_ring_buffer.interrupt_mask}, u32. */
    public static final int INTERRUPT_MASK_OFFSET = READ_INDEX_OFFSET + Integer.BYTES;

    /** {@code hv_ring_buffer.pending_send_sz}, u32. */
    public static final int PENDING_SEND_SIZE_OFFSET = INTERRUPT_MASK_OFFSET + Integer.BYTES;

    /** {@code hv_ring_buffer.feature_bits}, u32, after {@code reserved1[12]}. */
    public static final int FEATURE_BITS_OFFSET =
            PENDING_SEND_SIZE_OFFSET + Integer.BYTES + 12 * Integer.BYTES;

    /** {@code feature_bits.feat_pending_send_sz}. */
    public static final int FEATURE_PENDING_SEND_SIZE = 1;

    /** The data area begins on the page after the control page. */
    public static final int DATA_OFFSET = 4096;

    /** Bytes behind every packet; see {@link #trailer}. Linux {@code VMBUS_PKT_TRAILER}. */
    public static final int TRAILER_BYTES = Long.BYTES;

    /** Smallest ring: the control page and one page of data. */
    public static final int MIN_RING_BYTES = DATA_OFFSET + 4096;

    /** Largest ring accepted, so that every index and sum of two of them fits an {@code int}. */
    public static final int MAX_RING_BYTES = 1 << 28;

    static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).withByteAlignment(4);
    static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).withByteAlignment(8);

    /** Coordinates {@code (MemorySegment, long byteOffset)}; for the shared control words. */
    static final VarHandle SHARED_U32 = U32.varHandle().withInvokeExactBehavior();

    /**
     * Coordinates {@code (MemorySegment, long byteOffset)}; for packet headers in shared memory.
     */
    static final VarHandle SHARED_U64 = U64.varHandle().withInvokeExactBehavior();

    private RingLayout() {}

    /**
     * Checks that a segment can hold a ring.
     *
     * @param ring control page and data area, contiguous
     * @return bytes of the data area
     * @throws IllegalArgumentException when the size is not whole pages between {@link
     *     #MIN_RING_BYTES} and {@link #MAX_RING_BYTES}, or the memory is not 8-byte aligned
     */
    public static int checkRing(MemorySegment ring) {
        if (!isValidRingBytes(ring.byteSize())) {
            throw new IllegalArgumentException(
                    "ring size is not whole pages in [%d, %d]: ringBytes=%d"
                            .formatted(MIN_RING_BYTES, MAX_RING_BYTES, ring.byteSize()));
        }
        if (ring.maxByteAlignment() < Long.BYTES) {
            throw new IllegalArgumentException(
                    "ring memory is not 8-byte aligned: maxByteAlignment="
                            + ring.maxByteAlignment());
        }
        return (int) ring.byteSize() - DATA_OFFSET;
    }

    /** Whether a ring (control page included) may have this size. */
    public static boolean isValidRingBytes(long ringBytes) {
        return ringBytes >= MIN_RING_BYTES
                && ringBytes <= MAX_RING_BYTES
                && (ringBytes & (DATA_OFFSET - 1)) == 0;
    }

    /**
     * Zeroes the control words, as the guest does before it opens a channel. The rest stays as it
     * is.
     */
    public static void initialize(MemorySegment ring) {
        checkRing(ring);
        ring.asSlice(0, FEATURE_BITS_OFFSET + Integer.BYTES).fill((byte) 0);
    }

    /**
     * The word behind a packet: the packet's own start in the upper half (Linux {@code
     * hv_get_ring_bufferindices}).
     */
    static long trailer(int packetIndex) {
        return (long) packetIndex << Integer.SIZE;
    }

    /** Whether a peer's index may be used: unsigned below the data size, and 8-byte aligned. */
    static boolean isValidIndex(int index, int dataBytes) {
        return Integer.compareUnsigned(index, dataBytes) < 0 && (index & (Long.BYTES - 1)) == 0;
    }
}
