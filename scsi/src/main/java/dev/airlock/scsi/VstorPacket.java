package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * The packet of the vstor protocol: the payload of every VMBus packet between storvsc and storvsp,
 * in either direction. Source: Linux {@code drivers/scsi/storvsc_drv.c}, {@code struct
 * vstor_packet}; offsets are held against {@code traces/}.
 *
 * <pre>
 *   0               4               8               12                                          64
 *  +---------------+---------------+---------------+--------------------------------------------+
 *  | operation     | flags         | status        | body, by operation:                        |
 *  | u32           | u32           | u32 (NTSTATUS)| SRB, channel properties, version u16 and   |
 *  |               |               |               | revision u16, or subchannel count u16      |
 *  +---------------+---------------+---------------+--------------------------------------------+
 * </pre>
 *
 * <p>The size is the same in protocol 5.1, 6.0 and 6.2. Protocol 4.2 and older, without the last 16
 * bytes of the SRB, is not spoken here. Little-endian. Stateless, thread-safe.
 */
public final class VstorPacket {

    /** {@code vstor_packet.operation}: a {@link VstorOperation}. */
    public static final int OPERATION_OFFSET = 0;

    /** {@code vstor_packet.flags}. */
    public static final int FLAGS_OFFSET = OPERATION_OFFSET + Integer.BYTES;

    /**
     * {@code vstor_packet.status}: 0, or what the provider made of the operation as an NTSTATUS.
     */
    public static final int STATUS_OFFSET = FLAGS_OFFSET + Integer.BYTES;

    /** The union of {@code struct vstor_packet}. */
    public static final int BODY_OFFSET = STATUS_OFFSET + Integer.BYTES;

    /** {@code vstor_packet.buffer[0x34]}. */
    public static final int BODY_BYTES = 0x34;

    /** Size of a packet, bytes, in every protocol version spoken here. */
    public static final int BYTES = BODY_OFFSET + BODY_BYTES;

    /** Body of QUERY_PROTOCOL_VERSION: {@code vmstorage_protocol_version.major_minor}. */
    public static final int VERSION_OFFSET = BODY_OFFSET;

    /**
     * Body of QUERY_PROTOCOL_VERSION: {@code vmstorage_protocol_version.revision}, 0 from Linux.
     */
    public static final int REVISION_OFFSET = VERSION_OFFSET + Short.BYTES;

    /** Body of CREATE_SUB_CHANNELS: {@code vstor_packet.sub_channel_count}. */
    public static final int SUBCHANNEL_COUNT_OFFSET = BODY_OFFSET;

    /** {@code REQUEST_COMPLETION_FLAG}: the sender wants a COMPLETE_IO for this packet. */
    public static final int FLAG_REQUEST_COMPLETION = 0x1;

    /** NTSTATUS success, in {@link #status}. */
    public static final int STATUS_SUCCESS = 0;

    /** NTSTATUS {@code STATUS_INVALID_PARAMETER} (MS-ERREF 2.3.1). */
    public static final int STATUS_INVALID_PARAMETER = 0xC000_000D;

    /**
     * NTSTATUS {@code STATUS_INVALID_DEVICE_REQUEST} (MS-ERREF 2.3.1): an operation the provider
     * does not know.
     */
    public static final int STATUS_INVALID_DEVICE_REQUEST = 0xC000_0010;

    /**
     * NTSTATUS {@code STATUS_INVALID_DEVICE_STATE} (MS-ERREF 2.3.1): an operation out of its order.
     */
    public static final int STATUS_INVALID_DEVICE_STATE = 0xC000_0184;

    /**
     * NTSTATUS {@code STATUS_REVISION_MISMATCH} (MS-ERREF 2.3.1): a protocol version the provider
     * does not speak.
     */
    public static final int STATUS_REVISION_MISMATCH = 0xC000_0059;

    private VstorPacket() {}

    /** Zeroes the packet and sets operation and flags. */
    public static void clear(MemorySegment segment, long at, int operation, int flags) {
        segment.asSlice(at, BYTES).fill((byte) 0);
        operation(segment, at, operation);
        flags(segment, at, flags);
    }

    public static int operation(MemorySegment segment, long at) {
        return LittleEndian.i32(segment, at + OPERATION_OFFSET);
    }

    public static void operation(MemorySegment segment, long at, int operation) {
        LittleEndian.i32(segment, at + OPERATION_OFFSET, operation);
    }

    public static int flags(MemorySegment segment, long at) {
        return LittleEndian.i32(segment, at + FLAGS_OFFSET);
    }

    public static void flags(MemorySegment segment, long at, int flags) {
        LittleEndian.i32(segment, at + FLAGS_OFFSET, flags);
    }

    public static int status(MemorySegment segment, long at) {
        return LittleEndian.i32(segment, at + STATUS_OFFSET);
    }

    public static void status(MemorySegment segment, long at, int ntStatus) {
        LittleEndian.i32(segment, at + STATUS_OFFSET, ntStatus);
    }

    /** Protocol version of a QUERY_PROTOCOL_VERSION packet: a {@link VstorVersion}. */
    public static int version(MemorySegment segment, long at) {
        return LittleEndian.u16(segment, at + VERSION_OFFSET);
    }

    public static void version(MemorySegment segment, long at, int version) {
        LittleEndian.u16(segment, at + VERSION_OFFSET, version);
    }

    public static int revision(MemorySegment segment, long at) {
        return LittleEndian.u16(segment, at + REVISION_OFFSET);
    }

    public static void revision(MemorySegment segment, long at, int revision) {
        LittleEndian.u16(segment, at + REVISION_OFFSET, revision);
    }

    /** Number of subchannels that a CREATE_SUB_CHANNELS packet asks for. */
    public static int subchannelCount(MemorySegment segment, long at) {
        return LittleEndian.u16(segment, at + SUBCHANNEL_COUNT_OFFSET);
    }

    public static void subchannelCount(MemorySegment segment, long at, int count) {
        LittleEndian.u16(segment, at + SUBCHANNEL_COUNT_OFFSET, count);
    }
}
