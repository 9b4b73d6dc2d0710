package dev.airlock.vmbus;

import dev.airlock.memory.HvPage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A packet whose data lies in guest pages, with one GPA range (what storvsc sends). Source: Linux
 * {@code include/linux/hyperv.h}, {@code struct vmdata_gpa_direct} and {@code struct gpa_range};
 * little endian.
 *
 * <pre>
 *  0 +-------------------+-----------------+
 *    | PacketDescriptor, type 9            |
 * 16 +-------------------+-----------------+
 *    | reserved          | range_cnt       |   u32 each
 * 24 +-------------------+-----------------+
 *    | byte_count        | byte_offset     |   u32 each, gpa_range
 * 32 +-------------------+-----------------+
 *    | pfn_array[n]                        |   u64 each, n = pages spanned by offset + count
 *    +-------------------------------------+
 *    | payload (descriptor's offset8)      |
 *    +-------------------------------------+
 * </pre>
 *
 * <p>All methods work on private copies, at any alignment.
 */
public final class GpaDirectPacket {
    public static final int RESERVED_OFFSET = PacketDescriptor.BYTES;
    public static final int RANGE_COUNT_OFFSET = RESERVED_OFFSET + Integer.BYTES;

    /** {@code gpa_range.byte_count} of the first range. */
    public static final int BYTE_COUNT_OFFSET = RANGE_COUNT_OFFSET + Integer.BYTES;

    /** {@code gpa_range.byte_offset} of the first range: where data begins in its first page. */
    public static final int BYTE_OFFSET_OFFSET = BYTE_COUNT_OFFSET + Integer.BYTES;

    /** {@code gpa_range.pfn_array} of the first range. */
    public static final int PFNS_OFFSET = BYTE_OFFSET_OFFSET + Integer.BYTES;

    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private GpaDirectPacket() {}

    /** Bytes from the packet's start to its payload for a range of so many pages. */
    public static int payloadOffset(int pageCount) {
        return PFNS_OFFSET + pageCount * Long.BYTES;
    }

    /** Bytes of a packet of one range, payload rounded up to 8. */
    public static int packetBytes(int pageCount, int payloadBytes) {
        return payloadOffset(pageCount) + (payloadBytes + 7 & ~7);
    }

    /**
     * Writes everything but the PFNs ({@link #putPfn}) and the payload, whose unused last bytes the
     * caller zeroes.
     *
     * @param byteCount bytes of data in the guest's pages
     * @param byteOffset offset of the data in its first page, below 4096
     * @return offset of the payload from {@code at}
     */
    public static int encode(
            MemorySegment packet,
            long at,
            int byteCount,
            int byteOffset,
            int pageCount,
            int payloadBytes,
            int flags,
            long transactionId) {
        int payloadAt = payloadOffset(pageCount);
        PacketDescriptor.encode(
                packet,
                at,
                PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT,
                payloadAt,
                packetBytes(pageCount, payloadBytes),
                flags,
                transactionId);
        packet.set(U32, at + RESERVED_OFFSET, 0);
        packet.set(U32, at + RANGE_COUNT_OFFSET, 1);
        packet.set(U32, at + BYTE_COUNT_OFFSET, byteCount);
        packet.set(U32, at + BYTE_OFFSET_OFFSET, byteOffset);
        return payloadAt;
    }

    public static void putPfn(MemorySegment packet, long at, int index, long pfn) {
        packet.set(U64, at + PFNS_OFFSET + (long) index * Long.BYTES, pfn);
    }

    public static long pfn(MemorySegment packet, long at, int index) {
        return packet.get(U64, at + PFNS_OFFSET + (long) index * Long.BYTES);
    }

    /** Sets the in-page offset of the first range again, after {@link #encode}. */
    public static void putByteOffset(MemorySegment packet, long at, int byteOffset) {
        packet.set(U32, at + BYTE_OFFSET_OFFSET, byteOffset);
    }

    /** Number of ranges the sender claims, unsigned. */
    public static long rangeCount(MemorySegment packet, long at) {
        return Integer.toUnsignedLong(packet.get(U32, at + RANGE_COUNT_OFFSET));
    }

    /** Bytes of the first range, unsigned, as the sender claims. */
    public static long byteCount(MemorySegment packet, long at) {
        return Integer.toUnsignedLong(packet.get(U32, at + BYTE_COUNT_OFFSET));
    }

    /** In-page offset of the first range, unsigned, as the sender claims. */
    public static long byteOffset(MemorySegment packet, long at) {
        return Integer.toUnsignedLong(packet.get(U32, at + BYTE_OFFSET_OFFSET));
    }

    /**
     * Checks a received packet copy: exactly one range, offset inside a page, and its PFNs all
     * between the header and the payload.
     *
     * @param packetBytes as {@link RingReader#read} returned it (which also validated the data
     *     offset)
     * @return number of PFNs, at least 1 (0 only for an empty range), or -1 when malformed
     */
    public static int validatedPageCount(MemorySegment packet, long at, int packetBytes) {
        if (packetBytes < PFNS_OFFSET || rangeCount(packet, at) != 1) {
            return -1;
        }
        long offset = byteOffset(packet, at);
        if (offset >= HvPage.SIZE) {
            return -1;
        }
        long pages = HvPage.span((int) offset, byteCount(packet, at));
        long pfnsEnd = PFNS_OFFSET + pages * Long.BYTES;
        return pfnsEnd <= PacketDescriptor.dataOffset(packet, at) ? (int) pages : -1;
    }
}
