package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * The SCSI request block: body of an EXECUTE_SRB packet and of its completion. Source: Linux {@code
 * storvsc_drv.c}, {@code struct vmscsi_request} with {@code struct vmscsi_win8_extension}. Offsets
 * count from the start of the {@link VstorPacket}.
 *
 * <pre>
 *   12       14           15            16     17     18       19
 *  +--------+------------+-------------+------+------+--------+-----+
 *  | length | srb_status | scsi_status | port | path | target | lun |
 *  | u16    | u8         | u8          | u8   | u8   | u8     | u8  |
 *  +--------+------------+-------------+------+------+--------+-----+
 *   20           21             22        23        24
 *  +------------+--------------+---------+---------+----------------------+
 *  | cdb_length | sense_length | data_in | reserved| data_transfer_length |
 *  | u8         | u8           | u8      | u8      | u32                  |
 *  +------------+--------------+---------+---------+----------------------+
 *   28                                     48        50         51            52       56        60           64
 *  +--------------------------------------+---------+----------+-------------+--------+---------+------------+
 *  | cdb[16] or sense_data[20]            | reserve | queue_tag| queue_action| flags  | timeout | sort key   |
 *  +--------------------------------------+---------+----------+-------------+--------+---------+------------+
 * </pre>
 *
 * <p>In a completion the request's fields come back; {@code data_transfer_length} is what was
 * moved, and the sense data lies over the CDB when {@link SrbStatus#AUTOSENSE_VALID} is set.
 */
public final class VstorSrb {

    public static final int LENGTH_OFFSET = VstorPacket.BODY_OFFSET;
    public static final int SRB_STATUS_OFFSET = LENGTH_OFFSET + Short.BYTES;
    public static final int SCSI_STATUS_OFFSET = SRB_STATUS_OFFSET + Byte.BYTES;
    public static final int PORT_OFFSET = SCSI_STATUS_OFFSET + Byte.BYTES;
    public static final int PATH_OFFSET = PORT_OFFSET + Byte.BYTES;
    public static final int TARGET_OFFSET = PATH_OFFSET + Byte.BYTES;
    public static final int LUN_OFFSET = TARGET_OFFSET + Byte.BYTES;
    public static final int CDB_LENGTH_OFFSET = LUN_OFFSET + Byte.BYTES;
    public static final int SENSE_LENGTH_OFFSET = CDB_LENGTH_OFFSET + Byte.BYTES;
    public static final int DATA_IN_OFFSET = SENSE_LENGTH_OFFSET + Byte.BYTES;
    public static final int RESERVED_OFFSET = DATA_IN_OFFSET + Byte.BYTES;
    public static final int DATA_TRANSFER_LENGTH_OFFSET = RESERVED_OFFSET + Byte.BYTES;
    public static final int CDB_OFFSET = DATA_TRANSFER_LENGTH_OFFSET + Integer.BYTES;

    /** Sense data lies over the CDB. */
    public static final int SENSE_OFFSET = CDB_OFFSET;

    /** {@code STORVSC_MAX_CMD_LEN}: room for the CDB, bytes. */
    public static final int CDB_BYTES = 16;

    /** {@code STORVSC_SENSE_BUFFER_SIZE}: room for sense data, bytes. */
    public static final int SENSE_BYTES = 20;

    public static final int EXTENSION_RESERVE_OFFSET = SENSE_OFFSET + SENSE_BYTES;
    public static final int QUEUE_TAG_OFFSET = EXTENSION_RESERVE_OFFSET + Short.BYTES;
    public static final int QUEUE_ACTION_OFFSET = QUEUE_TAG_OFFSET + Byte.BYTES;
    public static final int SRB_FLAGS_OFFSET = QUEUE_ACTION_OFFSET + Byte.BYTES;
    public static final int TIMEOUT_OFFSET = SRB_FLAGS_OFFSET + Integer.BYTES;
    public static final int SORT_KEY_OFFSET = TIMEOUT_OFFSET + Integer.BYTES;

    /** Value of {@link #length}: the size of the SRB, bytes. */
    public static final int BYTES = SORT_KEY_OFFSET + Integer.BYTES - VstorPacket.BODY_OFFSET;

    /** {@code enum storvsc_request_type} WRITE_TYPE: data goes from guest to host. */
    public static final int DIRECTION_OUT = 0;

    /** {@code enum storvsc_request_type} READ_TYPE: data goes from host to guest. */
    public static final int DIRECTION_IN = 1;

    /** {@code enum storvsc_request_type} UNKNOWN_TYPE: no data. */
    public static final int DIRECTION_NONE = 2;

    /** Queue tag of a request without a tag of its own ({@code SP_UNTAGGED}); what Linux sends. */
    public static final int QUEUE_TAG_UNTAGGED = 0xFF;

    /** Queue action SIMPLE ({@code SRB_SIMPLE_TAG_REQUEST}). */
    public static final int QUEUE_ACTION_SIMPLE = 0x20;

    private VstorSrb() {}

    public static int length(MemorySegment segment, long at) {
        return LittleEndian.u16(segment, at + LENGTH_OFFSET);
    }

    public static void length(MemorySegment segment, long at, int bytes) {
        LittleEndian.u16(segment, at + LENGTH_OFFSET, bytes);
    }

    /** A {@link SrbStatus} with its flag bits. */
    public static int srbStatus(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + SRB_STATUS_OFFSET);
    }

    public static void srbStatus(MemorySegment segment, long at, int status) {
        LittleEndian.u8(segment, at + SRB_STATUS_OFFSET, status);
    }

    /** A {@link ScsiStatus}. */
    public static int scsiStatus(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + SCSI_STATUS_OFFSET);
    }

    public static void scsiStatus(MemorySegment segment, long at, int status) {
        LittleEndian.u8(segment, at + SCSI_STATUS_OFFSET, status);
    }

    public static int port(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + PORT_OFFSET);
    }

    public static void port(MemorySegment segment, long at, int port) {
        LittleEndian.u8(segment, at + PORT_OFFSET, port);
    }

    public static int path(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + PATH_OFFSET);
    }

    public static void path(MemorySegment segment, long at, int path) {
        LittleEndian.u8(segment, at + PATH_OFFSET, path);
    }

    public static int target(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + TARGET_OFFSET);
    }

    public static void target(MemorySegment segment, long at, int target) {
        LittleEndian.u8(segment, at + TARGET_OFFSET, target);
    }

    public static int lun(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + LUN_OFFSET);
    }

    public static void lun(MemorySegment segment, long at, int lun) {
        LittleEndian.u8(segment, at + LUN_OFFSET, lun);
    }

    /** Length of the CDB, bytes, as the peer states it: may exceed {@link #CDB_BYTES}. */
    public static int cdbLength(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + CDB_LENGTH_OFFSET);
    }

    public static void cdbLength(MemorySegment segment, long at, int bytes) {
        LittleEndian.u8(segment, at + CDB_LENGTH_OFFSET, bytes);
    }

    /**
     * Room for, or length of, sense data, bytes, as the peer states it: may exceed {@link
     * #SENSE_BYTES}.
     */
    public static int senseLength(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + SENSE_LENGTH_OFFSET);
    }

    public static void senseLength(MemorySegment segment, long at, int bytes) {
        LittleEndian.u8(segment, at + SENSE_LENGTH_OFFSET, bytes);
    }

    /**
     * {@link #DIRECTION_OUT}, {@link #DIRECTION_IN} or {@link #DIRECTION_NONE}; a peer may write
     * others.
     */
    public static int direction(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + DATA_IN_OFFSET);
    }

    public static void direction(MemorySegment segment, long at, int direction) {
        LittleEndian.u8(segment, at + DATA_IN_OFFSET, direction);
    }

    /** Bytes to move, or moved; an unsigned 32-bit value. */
    public static long dataTransferLength(MemorySegment segment, long at) {
        return LittleEndian.i32(segment, at + DATA_TRANSFER_LENGTH_OFFSET) & 0xFFFF_FFFFL;
    }

    public static void dataTransferLength(MemorySegment segment, long at, long bytes) {
        LittleEndian.i32(segment, at + DATA_TRANSFER_LENGTH_OFFSET, (int) bytes);
    }

    public static int queueTag(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + QUEUE_TAG_OFFSET);
    }

    public static void queueTag(MemorySegment segment, long at, int tag) {
        LittleEndian.u8(segment, at + QUEUE_TAG_OFFSET, tag);
    }

    public static int queueAction(MemorySegment segment, long at) {
        return LittleEndian.u8(segment, at + QUEUE_ACTION_OFFSET);
    }

    public static void queueAction(MemorySegment segment, long at, int action) {
        LittleEndian.u8(segment, at + QUEUE_ACTION_OFFSET, action);
    }

    /** {@link SrbFlags}. */
    public static int srbFlags(MemorySegment segment, long at) {
        return LittleEndian.i32(segment, at + SRB_FLAGS_OFFSET);
    }

    public static void srbFlags(MemorySegment segment, long at, int flags) {
        LittleEndian.i32(segment, at + SRB_FLAGS_OFFSET, flags);
    }

    /** Seconds the guest gives the request; Linux sends 60 and waits for ever. */
    public static int timeoutSeconds(MemorySegment segment, long at) {
        return LittleEndian.i32(segment, at + TIMEOUT_OFFSET);
    }

    public static void timeoutSeconds(MemorySegment segment, long at, int seconds) {
        LittleEndian.i32(segment, at + TIMEOUT_OFFSET, seconds);
    }

    public static int sortKey(MemorySegment segment, long at) {
        return LittleEndian.i32(segment, at + SORT_KEY_OFFSET);
    }

    public static void sortKey(MemorySegment segment, long at, int key) {
        LittleEndian.i32(segment, at + SORT_KEY_OFFSET, key);
    }
}
