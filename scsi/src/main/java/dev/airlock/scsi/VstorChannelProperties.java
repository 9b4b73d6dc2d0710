package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * Body of a QUERY_PROPERTIES completion. Source: Linux {@code storvsc_drv.c}, {@code struct
 * vmstorage_channel_properties}. Offsets count from the start of the {@link VstorPacket}.
 *
 * <pre>
 *   12         16                18         20      24                   28          36
 *  +----------+-----------------+----------+-------+--------------------+-----------+
 *  | reserved | max_channel_cnt | reserved1| flags | max_transfer_bytes | reserved2 |
 *  | u32      | u16             | u16      | u32   | u32                | u64       |
 *  +----------+-----------------+----------+-------+--------------------+-----------+
 * </pre>
 */
public final class VstorChannelProperties {

    public static final int RESERVED_OFFSET = VstorPacket.BODY_OFFSET;
    public static final int MAX_CHANNEL_COUNT_OFFSET = RESERVED_OFFSET + Integer.BYTES;
    public static final int RESERVED1_OFFSET = MAX_CHANNEL_COUNT_OFFSET + Short.BYTES;
    public static final int FLAGS_OFFSET = RESERVED1_OFFSET + Short.BYTES;
    public static final int MAX_TRANSFER_BYTES_OFFSET = FLAGS_OFFSET + Integer.BYTES;
    public static final int RESERVED2_OFFSET = MAX_TRANSFER_BYTES_OFFSET + Integer.BYTES;
    public static final int BYTES = RESERVED2_OFFSET + Long.BYTES - VstorPacket.BODY_OFFSET;

    /** {@code STORAGE_CHANNEL_SUPPORTS_MULTI_CHANNEL}: the guest may ask for subchannels. */
    public static final int FLAG_SUPPORTS_MULTI_CHANNEL = 0x1;

    private VstorChannelProperties() {}

    /** Most subchannels the host offers beside the primary channel. */
    public static int maxChannelCount(MemorySegment segment, long at) {
        return LittleEndian.u16(segment, at + MAX_CHANNEL_COUNT_OFFSET);
    }

    public static void maxChannelCount(MemorySegment segment, long at, int count) {
        LittleEndian.u16(segment, at + MAX_CHANNEL_COUNT_OFFSET, count);
    }

    public static int flags(MemorySegment segment, long at) {
        return LittleEndian.i32(segment, at + FLAGS_OFFSET);
    }

    public static void flags(MemorySegment segment, long at, int flags) {
        LittleEndian.i32(segment, at + FLAGS_OFFSET, flags);
    }

    /** Largest data length of one SRB, bytes; an unsigned 32-bit value. */
    public static long maxTransferBytes(MemorySegment segment, long at) {
        return LittleEndian.i32(segment, at + MAX_TRANSFER_BYTES_OFFSET) & 0xFFFF_FFFFL;
    }

    public static void maxTransferBytes(MemorySegment segment, long at, long bytes) {
        LittleEndian.i32(segment, at + MAX_TRANSFER_BYTES_OFFSET, (int) bytes);
    }
}
