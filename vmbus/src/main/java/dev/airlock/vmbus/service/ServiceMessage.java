package dev.airlock.vmbus.service;

import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A message of an integration service in a ring packet, private copies only. Source: Linux {@code
 * include/linux/hyperv.h}, {@code struct vmbuspipe_hdr}, {@code struct icmsg_hdr}, {@code struct
 * icmsg_negotiate}; little endian.
 *
 * <pre>
 *  0 descriptor
 * 16 +-----------------+-----------------+
 *    | flags u32       | message size u32|   vmbuspipe_hdr
 * 24 +-----------------+--------+--------+
 *    | frame version   | type   | message   icmsg_hdr; a version is major u16, minor u16
 *    | version         | size   | status u32
 *    | transaction u8 | flags u8 | 2 reserved
 * 44 +-----------------------------------+
 *    | data                              |
 *    +-----------------------------------+
 * </pre>
 */
public final class ServiceMessage {
    /** {@code ICMSGTYPE_*}. */
    static final int NEGOTIATE = 0;

    static final int HEARTBEAT = 1;
    private static final int KVP_EXCHANGE = 2;
    static final int SHUTDOWN = 3;
    static final int TIME_SYNC = 4;
    private static final int VSS = 5;
    private static final int FCOPY = 7;

    /** {@code UTIL_FW_VERSION}, and the same of every service here: 3.0, in every Linux. */
    static final int VERSION_3_0 = 3;

    private static final int PIPE_OFFSET = PacketDescriptor.BYTES;
    private static final int PIPE_SIZE_OFFSET = PIPE_OFFSET + 4;
    private static final int FRAME_VERSION_OFFSET = PIPE_OFFSET + 8;
    private static final int TYPE_OFFSET = FRAME_VERSION_OFFSET + 4;
    private static final int VERSION_OFFSET = TYPE_OFFSET + 2;
    private static final int SIZE_OFFSET = VERSION_OFFSET + 4;
    private static final int STATUS_OFFSET = SIZE_OFFSET + 2;
    private static final int FLAGS_OFFSET = STATUS_OFFSET + 5;

    /** Where the data of a message begins in its packet. */
    public static final int DATA_OFFSET = FLAGS_OFFSET + 3;

    /** {@code ICMSGHDRFLAG_TRANSACTION}, {@code _REQUEST}, {@code _RESPONSE}. */
    private static final int TRANSACTION = 1;

    private static final int REQUEST = 2;
    private static final int RESPONSE = 4;

    /** Data of a negotiation: counts of frame and message versions (u16 each), u32, versions. */
    static final int NEGOTIATE_BYTES = 16;

    private static final int VERSIONS_OFFSET = DATA_OFFSET + 8;

    static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private ServiceMessage() {}

    /** Bytes of the packet for so much data. */
    static int packetBytes(int dataBytes) {
        return DATA_OFFSET + dataBytes + Long.BYTES - 1 & -Long.BYTES;
    }

    /** Makes a request, its data all zero. */
    static void encode(MemorySegment packet, int type, int dataBytes, long transactionId) {
        int bytes = packetBytes(dataBytes);
        packet.asSlice(0, bytes).fill((byte) 0);
        PacketDescriptor.encode(
                packet,
                0,
                PacketDescriptor.TYPE_DATA_INBAND,
                PacketDescriptor.BYTES,
                bytes,
                0,
                transactionId);
        packet.set(U32, PIPE_SIZE_OFFSET, DATA_OFFSET - FRAME_VERSION_OFFSET + dataBytes);
        packet.set(U16, FRAME_VERSION_OFFSET, (short) VERSION_3_0);
        packet.set(U16, TYPE_OFFSET, (short) type);
        packet.set(U16, VERSION_OFFSET, (short) VERSION_3_0);
        packet.set(U16, SIZE_OFFSET, (short) dataBytes);
        packet.set(ValueLayout.JAVA_BYTE, FLAGS_OFFSET, (byte) (TRANSACTION | REQUEST));
    }

    /** Makes the request that begins everything: version 3.0 of the frame and of the messages. */
    static void encodeNegotiation(MemorySegment packet, long transactionId) {
        encode(packet, NEGOTIATE, NEGOTIATE_BYTES, transactionId);
        packet.set(U16, DATA_OFFSET, (short) 1);
        packet.set(U16, DATA_OFFSET + 2, (short) 1);
        packet.set(U16, VERSIONS_OFFSET, (short) VERSION_3_0);
        packet.set(U16, VERSIONS_OFFSET + 4, (short) VERSION_3_0);
    }

    /** Whether a packet of so many bytes is a guest's answer. */
    static boolean isAnswer(MemorySegment packet, int bytes) {
        return hasHeaders(packet, bytes) && isResponse(packet);
    }

    private static boolean hasHeaders(MemorySegment packet, long bytes) {
        return bytes >= DATA_OFFSET
                && PacketDescriptor.type(packet, 0) == PacketDescriptor.TYPE_DATA_INBAND
                && PacketDescriptor.dataOffset(packet, 0) == PacketDescriptor.BYTES;
    }

    /** Whether its flags say that it answers something. */
    public static boolean isResponse(MemorySegment packet) {
        return (packet.get(ValueLayout.JAVA_BYTE, FLAGS_OFFSET) & RESPONSE) != 0;
    }

    /**
     * Whether a packet of so many bytes can be nothing but a service's message: in-band data whose
     * two headers agree on its size. A storage provider's packet has flags where the size is, which
     * are less than the headers' bytes.
     */
    public static boolean isMessage(MemorySegment packet, long bytes) {
        if (!hasHeaders(packet, bytes)) {
            return false;
        }
        long size = Integer.toUnsignedLong(packet.get(U32, PIPE_SIZE_OFFSET));
        return size == DATA_OFFSET - FRAME_VERSION_OFFSET + dataBytes(packet)
                && size <= bytes - FRAME_VERSION_OFFSET;
    }

    /** Bytes behind the headers, as they say. */
    public static int dataBytes(MemorySegment packet) {
        return Short.toUnsignedInt(packet.get(U16, SIZE_OFFSET));
    }

    /** Of the message: major and minor. */
    public static String version(MemorySegment packet) {
        return Short.toUnsignedInt(packet.get(U16, VERSION_OFFSET))
                + "."
                + Short.toUnsignedInt(packet.get(U16, VERSION_OFFSET + Short.BYTES));
    }

    /** The name of a message's type, as {@code ICMSGTYPE_*} has it, or its number. */
    public static String typeName(int type) {
        return switch (type) {
            case NEGOTIATE -> "NEGOTIATE";
            case HEARTBEAT -> "HEARTBEAT";
            case KVP_EXCHANGE -> "KVPEXCHANGE";
            case SHUTDOWN -> "SHUTDOWN";
            case TIME_SYNC -> "TIMESYNC";
            case VSS -> "VSS";
            case FCOPY -> "FCOPY";
            default -> "service(" + type + ")";
        };
    }

    /** Which service it is for, or that it negotiates. */
    public static int type(MemorySegment packet) {
        return Short.toUnsignedInt(packet.get(U16, TYPE_OFFSET));
    }

    /** Of an answer: 0 is success. */
    public static int status(MemorySegment packet) {
        return packet.get(U32, STATUS_OFFSET);
    }

    /** Whether an answer to {@link #encodeNegotiation} takes what was offered. */
    static boolean isAgreed(MemorySegment packet, int bytes) {
        return bytes >= DATA_OFFSET + NEGOTIATE_BYTES
                && packet.get(U16, DATA_OFFSET) == 1
                && packet.get(U16, DATA_OFFSET + 2) == 1
                && packet.get(U16, VERSIONS_OFFSET) == VERSION_3_0
                && packet.get(U16, VERSIONS_OFFSET + 4) == VERSION_3_0;
    }
}
