package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The SCSI commands known by name, with the layout of their CDBs. Sources: SPC-4 table of operation
 * codes (annex E), SBC-3 section 5; ATA PASS-THROUGH from SAT-3, the MMC ones because guests probe
 * with them. Knowing a name does not mean that a target here supports the command.
 */
public enum ScsiCommand {
    TEST_UNIT_READY("TEST UNIT READY", 0x00, 6),
    REZERO_UNIT("REZERO UNIT", 0x01, 6),
    REQUEST_SENSE("REQUEST SENSE", 0x03, 6, Count.ALLOCATION, 4, 1),
    FORMAT_UNIT("FORMAT UNIT", 0x04, 6),
    REASSIGN_BLOCKS("REASSIGN BLOCKS", 0x07, 6),
    READ_6("READ(6)", 0x08, 6, 1, 3, Count.BLOCKS, 4, 1),
    WRITE_6("WRITE(6)", 0x0A, 6, 1, 3, Count.BLOCKS, 4, 1),
    INQUIRY("INQUIRY", 0x12, 6, Count.ALLOCATION, 3, 2),
    MODE_SELECT_6("MODE SELECT(6)", 0x15, 6, Count.PARAMETERS, 4, 1),
    RESERVE_6("RESERVE(6)", 0x16, 6),
    RELEASE_6("RELEASE(6)", 0x17, 6),
    MODE_SENSE_6("MODE SENSE(6)", 0x1A, 6, Count.ALLOCATION, 4, 1),
    START_STOP_UNIT("START STOP UNIT", 0x1B, 6),
    RECEIVE_DIAGNOSTIC_RESULTS("RECEIVE DIAGNOSTIC RESULTS", 0x1C, 6, Count.ALLOCATION, 3, 2),
    SEND_DIAGNOSTIC("SEND DIAGNOSTIC", 0x1D, 6, Count.PARAMETERS, 3, 2),
    PREVENT_ALLOW_MEDIUM_REMOVAL("PREVENT ALLOW MEDIUM REMOVAL", 0x1E, 6),
    READ_FORMAT_CAPACITIES("READ FORMAT CAPACITIES", 0x23, 10, Count.ALLOCATION, 7, 2),
    READ_CAPACITY_10("READ CAPACITY(10)", 0x25, 10, 2, 4, Count.NONE, 0, 0),
    READ_10("READ(10)", 0x28, 10, 2, 4, Count.BLOCKS, 7, 2),
    WRITE_10("WRITE(10)", 0x2A, 10, 2, 4, Count.BLOCKS, 7, 2),
    WRITE_AND_VERIFY_10("WRITE AND VERIFY(10)", 0x2E, 10, 2, 4, Count.BLOCKS, 7, 2),
    VERIFY_10("VERIFY(10)", 0x2F, 10, 2, 4, Count.BLOCKS, 7, 2),
    PRE_FETCH_10("PRE-FETCH(10)", 0x34, 10, 2, 4, Count.BLOCKS, 7, 2),
    SYNCHRONIZE_CACHE_10("SYNCHRONIZE CACHE(10)", 0x35, 10, 2, 4, Count.BLOCKS, 7, 2),
    READ_DEFECT_DATA_10("READ DEFECT DATA(10)", 0x37, 10, Count.ALLOCATION, 7, 2),
    WRITE_BUFFER("WRITE BUFFER", 0x3B, 10, Count.PARAMETERS, 6, 3),
    READ_BUFFER("READ BUFFER", 0x3C, 10, Count.ALLOCATION, 6, 3),
    READ_LONG_10("READ LONG(10)", 0x3E, 10, 2, 4, Count.ALLOCATION, 7, 2),
    WRITE_LONG_10("WRITE LONG(10)", 0x3F, 10, 2, 4, Count.PARAMETERS, 7, 2),
    WRITE_SAME_10("WRITE SAME(10)", 0x41, 10, 2, 4, Count.BLOCKS, 7, 2),
    UNMAP("UNMAP", 0x42, 10, Count.PARAMETERS, 7, 2),
    READ_TOC("READ TOC/PMA/ATIP", 0x43, 10, Count.ALLOCATION, 7, 2),
    GET_EVENT_STATUS("GET EVENT STATUS NOTIFICATION", 0x4A, 10, Count.ALLOCATION, 7, 2),
    SANITIZE("SANITIZE", 0x48, 10, Count.PARAMETERS, 7, 2),
    LOG_SELECT("LOG SELECT", 0x4C, 10, Count.PARAMETERS, 7, 2),
    LOG_SENSE("LOG SENSE", 0x4D, 10, Count.ALLOCATION, 7, 2),
    MODE_SELECT_10("MODE SELECT(10)", 0x55, 10, Count.PARAMETERS, 7, 2),
    RESERVE_10("RESERVE(10)", 0x56, 10),
    RELEASE_10("RELEASE(10)", 0x57, 10),
    MODE_SENSE_10("MODE SENSE(10)", 0x5A, 10, Count.ALLOCATION, 7, 2),
    PERSISTENT_RESERVE_IN("PERSISTENT RESERVE IN", 0x5E, 10, Count.ALLOCATION, 7, 2),
    PERSISTENT_RESERVE_OUT("PERSISTENT RESERVE OUT", 0x5F, 10, Count.PARAMETERS, 5, 4),
    EXTENDED_COPY("EXTENDED COPY", 0x83, 16, Count.PARAMETERS, 10, 4),
    RECEIVE_COPY_RESULTS("RECEIVE COPY RESULTS", 0x84, 16, Count.ALLOCATION, 10, 4),
    ATA_PASS_THROUGH_16("ATA PASS-THROUGH(16)", 0x85, 16),
    READ_16("READ(16)", 0x88, 16, 2, 8, Count.BLOCKS, 10, 4),
    COMPARE_AND_WRITE("COMPARE AND WRITE", 0x89, 16, 2, 8, Count.BLOCKS, 13, 1),
    WRITE_16("WRITE(16)", 0x8A, 16, 2, 8, Count.BLOCKS, 10, 4),
    ORWRITE_16("ORWRITE(16)", 0x8B, 16, 2, 8, Count.BLOCKS, 10, 4),
    WRITE_AND_VERIFY_16("WRITE AND VERIFY(16)", 0x8E, 16, 2, 8, Count.BLOCKS, 10, 4),
    VERIFY_16("VERIFY(16)", 0x8F, 16, 2, 8, Count.BLOCKS, 10, 4),
    PRE_FETCH_16("PRE-FETCH(16)", 0x90, 16, 2, 8, Count.BLOCKS, 10, 4),
    SYNCHRONIZE_CACHE_16("SYNCHRONIZE CACHE(16)", 0x91, 16, 2, 8, Count.BLOCKS, 10, 4),
    WRITE_SAME_16("WRITE SAME(16)", 0x93, 16, 2, 8, Count.BLOCKS, 10, 4),
    READ_CAPACITY_16("READ CAPACITY(16)", 0x9E, 0x10, 16, 2, 8, Count.ALLOCATION, 10, 4),
    READ_LONG_16("READ LONG(16)", 0x9E, 0x11, 16, 2, 8, Count.ALLOCATION, 12, 2),
    GET_LBA_STATUS("GET LBA STATUS", 0x9E, 0x12, 16, 2, 8, Count.ALLOCATION, 10, 4),
    WRITE_LONG_16("WRITE LONG(16)", 0x9F, 0x11, 16, 2, 8, Count.PARAMETERS, 12, 2),
    REPORT_LUNS("REPORT LUNS", 0xA0, 12, Count.ALLOCATION, 6, 4),
    ATA_PASS_THROUGH_12("ATA PASS-THROUGH(12)", 0xA1, 12),
    SECURITY_PROTOCOL_IN("SECURITY PROTOCOL IN", 0xA2, 12, Count.ALLOCATION, 6, 4),
    REPORT_IDENTIFYING_INFORMATION(
            "REPORT IDENTIFYING INFORMATION", 0xA3, 0x05, 12, 0, 0, Count.ALLOCATION, 6, 4),
    REPORT_TARGET_PORT_GROUPS(
            "REPORT TARGET PORT GROUPS", 0xA3, 0x0A, 12, 0, 0, Count.ALLOCATION, 6, 4),
    REPORT_SUPPORTED_OPERATION_CODES(
            "REPORT SUPPORTED OPERATION CODES", 0xA3, 0x0C, 12, 0, 0, Count.ALLOCATION, 6, 4),
    REPORT_SUPPORTED_TASK_MANAGEMENT(
            "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS",
            0xA3,
            0x0D,
            12,
            0,
            0,
            Count.ALLOCATION,
            6,
            4),
    REPORT_TIMESTAMP("REPORT TIMESTAMP", 0xA3, 0x0F, 12, 0, 0, Count.ALLOCATION, 6, 4),
    READ_12("READ(12)", 0xA8, 12, 2, 4, Count.BLOCKS, 6, 4),
    WRITE_12("WRITE(12)", 0xAA, 12, 2, 4, Count.BLOCKS, 6, 4),
    WRITE_AND_VERIFY_12("WRITE AND VERIFY(12)", 0xAE, 12, 2, 4, Count.BLOCKS, 6, 4),
    VERIFY_12("VERIFY(12)", 0xAF, 12, 2, 4, Count.BLOCKS, 6, 4),
    SECURITY_PROTOCOL_OUT("SECURITY PROTOCOL OUT", 0xB5, 12, Count.PARAMETERS, 6, 4),
    READ_DEFECT_DATA_12("READ DEFECT DATA(12)", 0xB7, 12, Count.ALLOCATION, 6, 4);

    /** What a CDB's length field counts. */
    public enum Count {
        /** The CDB has no length field. */
        NONE,
        /** Logical blocks. */
        BLOCKS,
        /** Bytes of data-in that the initiator has room for: ALLOCATION LENGTH. */
        ALLOCATION,
        /** Bytes of data-out: PARAMETER LIST LENGTH. */
        PARAMETERS
    }

    /** {@link #serviceAction} of a command that has none. */
    public static final int NO_SERVICE_ACTION = -1;

    /** SERVICE ACTION field, byte 1 of the CDB (SPC-4 section 4.3.5.2). */
    public static final int SERVICE_ACTION_MASK = 0x1F;

    private static final int LBA_6_MASK = 0x1F_FFFF;
    private static final @Nullable ScsiCommand[] BY_OPCODE = new ScsiCommand[256];
    private static final @Nullable ScsiCommand[] BY_SERVICE_ACTION = new ScsiCommand[256 << 5];
    private static final boolean[] HAS_SERVICE_ACTION = new boolean[256];

    static {
        for (ScsiCommand command : values()) {
            if (command.serviceAction == NO_SERVICE_ACTION) {
                BY_OPCODE[command.opcode] = command;
            } else {
                BY_SERVICE_ACTION[command.opcode << 5 | command.serviceAction] = command;
                HAS_SERVICE_ACTION[command.opcode] = true;
            }
        }
    }

    private final String text;
    private final int opcode;
    private final int serviceAction;
    private final int cdbBytes;
    private final int lbaAt;
    private final int lbaBytes;
    private final Count count;
    private final int countAt;
    private final int countBytes;

    ScsiCommand(String text, int opcode, int cdbBytes) {
        this(text, opcode, cdbBytes, Count.NONE, 0, 0);
    }

    ScsiCommand(String text, int opcode, int cdbBytes, Count count, int countAt, int countBytes) {
        this(text, opcode, cdbBytes, 0, 0, count, countAt, countBytes);
    }

    ScsiCommand(
            String text,
            int opcode,
            int cdbBytes,
            int lbaAt,
            int lbaBytes,
            Count count,
            int countAt,
            int countBytes) {
        this(
                text,
                opcode,
                NO_SERVICE_ACTION,
                cdbBytes,
                lbaAt,
                lbaBytes,
                count,
                countAt,
                countBytes);
    }

    ScsiCommand(
            String text,
            int opcode,
            int serviceAction,
            int cdbBytes,
            int lbaAt,
            int lbaBytes,
            Count count,
            int countAt,
            int countBytes) {
        this.text = text;
        this.opcode = opcode;
        this.serviceAction = serviceAction;
        this.cdbBytes = cdbBytes;
        this.lbaAt = lbaAt;
        this.lbaBytes = lbaBytes;
        this.count = count;
        this.countAt = countAt;
        this.countBytes = countBytes;
    }

    /**
     * The command of an operation code and, where that opcode has them, a service action (low five
     * bits of CDB byte 1, ignored otherwise); null when the pair has no name here. Allocates
     * nothing.
     */
    public static @Nullable ScsiCommand of(int opcode, int cdbByte1) {
        return HAS_SERVICE_ACTION[opcode & 0xFF]
                ? BY_SERVICE_ACTION[(opcode & 0xFF) << 5 | (cdbByte1 & SERVICE_ACTION_MASK)]
                : BY_OPCODE[opcode & 0xFF];
    }

    /** The command of a CDB of at least two bytes; null when it has no name here. */
    public static @Nullable ScsiCommand of(MemorySegment cdb, long at) {
        return of(BigEndian.u8(cdb, at), BigEndian.u8(cdb, at + 1));
    }

    /** Whether this operation code has service actions, known or not. */
    public static boolean hasServiceAction(int opcode) {
        return HAS_SERVICE_ACTION[opcode & 0xFF];
    }

    /** The name in the standards' own writing, such as {@code READ(10)}. */
    public String text() {
        return text;
    }

    public int opcode() {
        return opcode;
    }

    /** The service action, or {@link #NO_SERVICE_ACTION}. */
    public int serviceAction() {
        return serviceAction;
    }

    /** Length of the CDB, bytes. */
    public int cdbBytes() {
        return cdbBytes;
    }

    public boolean hasLba() {
        return lbaBytes != 0;
    }

    /** Byte of the CDB in which the LBA field begins; the field pointer of an error in it. */
    public int lbaAt() {
        return lbaAt;
    }

    /** Size of the LBA field, bytes; 3 stands for the 21 bits of the six-byte CDBs. */
    public int lbaBytes() {
        return lbaBytes;
    }

    /** What {@link #count(MemorySegment, long)} counts. */
    public Count counts() {
        return count;
    }

    /** Byte of the CDB in which the length field begins; the field pointer of an error in it. */
    public int countAt() {
        return countAt;
    }

    public int countBytes() {
        return countBytes;
    }

    /** The LOGICAL BLOCK ADDRESS field: 64 bits, unsigned; 0 when the CDB has none. */
    public long lba(MemorySegment cdb, long at) {
        return switch (lbaBytes) {
            case 0 -> 0;
            case 3 -> BigEndian.u24(cdb, at + lbaAt) & LBA_6_MASK;
            default -> BigEndian.field(cdb, at + lbaAt, lbaBytes);
        };
    }

    /**
     * The length field as {@link #counts()} says; READ(6) and WRITE(6) with 0 mean 256 blocks
     * (SBC-3 section 5.9).
     */
    public long count(MemorySegment cdb, long at) {
        if (countBytes == 0) {
            return 0;
        }
        long value = BigEndian.field(cdb, at + countAt, countBytes);
        return value == 0 && lbaBytes == 3 ? 256 : value;
    }

    /** Largest value that the length field holds. */
    public long maxCount() {
        return lbaBytes == 3 ? 256 : countBytes == 0 ? 0 : (1L << 8 * countBytes) - 1;
    }

    /** Largest value that the LBA field holds, unsigned. */
    public long maxLba() {
        return switch (lbaBytes) {
            case 0 -> 0;
            case 3 -> LBA_6_MASK;
            case 8 -> -1L;
            default -> (1L << 8 * lbaBytes) - 1;
        };
    }

    void encodeFields(MemorySegment cdb, long at, long lba, long units) {
        if (lbaBytes != 0) {
            BigEndian.field(cdb, at + lbaAt, lbaBytes, lba);
        }
        if (countBytes != 0) {
            BigEndian.field(cdb, at + countAt, countBytes, units);
        }
    }
}
