package dev.airlock.vmbus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The head of every ring packet. Source: Linux {@code include/linux/hyperv.h}, {@code struct
 * vmpacket_descriptor}; little endian.
 *
 * <pre>
 *  0 +--------+---------+--------+--------+
 *    | type   | offset8 | len8   | flags  |   u16 each
 *  8 +--------+---------+--------+--------+
 *    | trans_id                           |   u64
 * 16 +------------------------------------+
 * </pre>
 *
 * <p>{@code offset8} and {@code len8} count 8-byte units from the packet's start: where the data
 * begins, and the whole packet without its trailer. All methods work on private copies, at any
 * alignment; the first four fields together are one 64-bit <em>header</em> word.
 */
public final class PacketDescriptor {
    public static final int TYPE_OFFSET = 0;
    public static final int OFFSET8_OFFSET = TYPE_OFFSET + Short.BYTES;
    public static final int LEN8_OFFSET = OFFSET8_OFFSET + Short.BYTES;
    public static final int FLAGS_OFFSET = LEN8_OFFSET + Short.BYTES;
    public static final int TRANSACTION_ID_OFFSET = FLAGS_OFFSET + Short.BYTES;

    /** Size of the descriptor. */
    public static final int BYTES = TRANSACTION_ID_OFFSET + Long.BYTES;

    /** Largest packet {@code len8} can express. */
    public static final int MAX_PACKET_BYTES = 0xFFFF * Long.BYTES;

    /** {@code VM_PKT_DATA_INBAND}: data follows the descriptor. */
    public static final int TYPE_DATA_INBAND = 0x6;

    /** {@code VM_PKT_DATA_USING_XFER_PAGES}: data lies in a transfer page set. */
    public static final int TYPE_DATA_USING_TRANSFER_PAGES = 0x7;

    /** {@code VM_PKT_DATA_USING_GPADL}: data lies in a GPADL. */
    public static final int TYPE_DATA_USING_GPADL = 0x8;

    /** {@code VM_PKT_DATA_USING_GPA_DIRECT}: data lies in guest pages listed in the packet. */
    public static final int TYPE_DATA_USING_GPA_DIRECT = 0x9;

    /** {@code VM_PKT_CANCEL_REQUEST}. */
    public static final int TYPE_CANCEL_REQUEST = 0xA;

    /** {@code VM_PKT_COMP}: answers the packet with the same transaction id. */
    public static final int TYPE_COMPLETION = 0xB;

    /** {@code VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED}. */
    public static final int FLAG_COMPLETION_REQUESTED = 1;

    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int U16 = 0xFFFF;

    private PacketDescriptor() {}

    /**
     * Writes a descriptor.
     *
     * @param type one of the {@code TYPE_} constants
     * @param dataOffset bytes from the packet's start to its data, multiple of 8
     * @param packetBytes whole packet without trailer, multiple of 8
     * @param flags 0 or {@link #FLAG_COMPLETION_REQUESTED}
     */
    public static void encode(
            MemorySegment packet,
            long at,
            int type,
            int dataOffset,
            int packetBytes,
            int flags,
            long transactionId) {
        putHeader(packet, at, header(type, dataOffset, packetBytes, flags));
        packet.set(U64, at + TRANSACTION_ID_OFFSET, transactionId);
    }

    /** Builds the header word. Sizes as in {@link #encode}. */
    public static long header(int type, int dataOffset, int packetBytes, int flags) {
        if (((dataOffset | packetBytes) & (Long.BYTES - 1)) != 0
                || dataOffset < BYTES
                || packetBytes < dataOffset
                || packetBytes > MAX_PACKET_BYTES) {
            throw new IllegalArgumentException(
                    "dataOffset=%d packetBytes=%d".formatted(dataOffset, packetBytes));
        }
        return (long) (type & U16)
                | (long) (dataOffset / Long.BYTES) << Byte.SIZE * OFFSET8_OFFSET
                | (long) (packetBytes / Long.BYTES) << Byte.SIZE * LEN8_OFFSET
                | (long) (flags & U16) << Byte.SIZE * FLAGS_OFFSET;
    }

    /** Type, offset, length and flags as one word. */
    public static long header(MemorySegment packet, long at) {
        return packet.get(U64, at + TYPE_OFFSET);
    }

    static void putHeader(MemorySegment packet, long at, long header) {
        packet.set(U64, at + TYPE_OFFSET, header);
    }

    public static int type(long header) {
        return (int) header & U16;
    }

    /** Bytes from the packet's start to its data. */
    public static int dataOffset(long header) {
        return ((int) (header >>> Byte.SIZE * OFFSET8_OFFSET) & U16) * Long.BYTES;
    }

    /** Bytes of the whole packet, trailer not counted. */
    public static int packetBytes(long header) {
        return ((int) (header >>> Byte.SIZE * LEN8_OFFSET) & U16) * Long.BYTES;
    }

    public static int flags(long header) {
        return (int) (header >>> Byte.SIZE * FLAGS_OFFSET) & U16;
    }

    public static int type(MemorySegment packet, long at) {
        return type(header(packet, at));
    }

    /** Bytes from the packet's start to its data. */
    public static int dataOffset(MemorySegment packet, long at) {
        return dataOffset(header(packet, at));
    }

    /** Bytes of the whole packet, trailer not counted. */
    public static int packetBytes(MemorySegment packet, long at) {
        return packetBytes(header(packet, at));
    }

    public static int flags(MemorySegment packet, long at) {
        return flags(header(packet, at));
    }

    /** The sender's id of the request; the completion carries it back. Opaque, never a pointer. */
    public static long transactionId(MemorySegment packet, long at) {
        return packet.get(U64, at + TRANSACTION_ID_OFFSET);
    }

    /** Name of a packet type for people, or {@code type(N)}. */
    public static String typeName(int type) {
        return switch (type) {
            case TYPE_DATA_INBAND -> "DATA_INBAND";
            case TYPE_DATA_USING_TRANSFER_PAGES -> "DATA_USING_XFER_PAGES";
            case TYPE_DATA_USING_GPADL -> "DATA_USING_GPADL";
            case TYPE_DATA_USING_GPA_DIRECT -> "DATA_USING_GPA_DIRECT";
            case TYPE_CANCEL_REQUEST -> "CANCEL_REQUEST";
            case TYPE_COMPLETION -> "COMPLETION";
            default -> "type(" + type + ")";
        };
    }
}
