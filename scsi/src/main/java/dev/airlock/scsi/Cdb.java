package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Command descriptor blocks: building them, and their text. Which field lies where is {@link
 * ScsiCommand}'s. Big-endian. Stateless, thread-safe. Sources: SPC-4 section 4.3 and 6, SBC-3
 * section 5.
 */
public final class Cdb {

    /** Room for the longest CDB of the vstor protocol, bytes. */
    public static final int BYTES = VstorSrb.CDB_BYTES;

    /** READ, WRITE: force unit access (SBC-3 section 5.11), byte 1 but for the six-byte CDBs. */
    public static final int FUA = 0x08;

    /** READ, WRITE, VERIFY: disable page out, byte 1 but for the six-byte CDBs; a hint. */
    public static final int DPO = 0x10;

    /** RDPROTECT, WRPROTECT, VRPROTECT: protection information, byte 1. */
    public static final int PROTECT_MASK = 0xE0;

    /** WRITE SAME: unmap the blocks if the pattern allows (SBC-3 section 5.44), byte 1. */
    public static final int WRITE_SAME_UNMAP = 0x08;

    /** WRITE SAME: anchor the blocks instead of unmapping them, byte 1. */
    public static final int WRITE_SAME_ANCHOR = 0x10;

    /** WRITE SAME(16): no data-out buffer, the pattern is zeroes, byte 1. */
    public static final int WRITE_SAME_NDOB = 0x01;

    /** UNMAP: anchor, byte 1. */
    public static final int UNMAP_ANCHOR = 0x01;

    /**
     * VERIFY: what is compared, byte 1 (SBC-3 section 5.26): 0 nothing, 1 each block, 3 one block
     * against all.
     */
    public static final int BYTCHK_MASK = 0x06;

    /** SYNCHRONIZE CACHE: complete before the data is durable, byte 1. */
    public static final int SYNC_IMMED = 0x02;

    private Cdb() {}

    /**
     * Length of the CDBs that begin with this operation code, by its group (SPC-4 section 4.2.5.1):
     * 6, 10, 12 or 16; 0 for the variable-length, reserved and vendor specific groups.
     */
    public static int lengthOf(int opcode) {
        return switch (opcode >>> 5 & 7) {
            case 0 -> 6;
            case 1, 2 -> 10;
            case 4 -> 16;
            case 5 -> 12;
            default -> 0;
        };
    }

    /**
     * Writes a whole CDB of {@link #BYTES} bytes: opcode, service action, LBA, length field;
     * everything else zero. The values must fit their fields ({@link ScsiCommand#maxLba}, {@link
     * ScsiCommand#maxCount}; 256 blocks of a six-byte CDB become 0); this is for our own callers,
     * so a value that does not is a bug.
     *
     * @throws IllegalArgumentException if a value does not fit
     */
    public static void encode(
            MemorySegment cdb, long at, ScsiCommand command, long lba, long count) {
        if (Long.compareUnsigned(lba, command.maxLba()) > 0) {
            throw new IllegalArgumentException(
                    "lba=" + Long.toUnsignedString(lba) + " command=" + command);
        }
        if (count < 0 || count > command.maxCount()) {
            throw new IllegalArgumentException("count=" + count + " command=" + command);
        }
        BigEndian.u64(cdb, at, 0);
        BigEndian.u64(cdb, at + Long.BYTES, 0);
        command.encodeFields(cdb, at, lba, count);
        BigEndian.u8(cdb, at, command.opcode());
        if (command.serviceAction() != ScsiCommand.NO_SERVICE_ACTION) {
            BigEndian.u8(cdb, at + 1, command.serviceAction());
        }
    }

    /** Byte 1: the flags of READ, WRITE, WRITE SAME, VERIFY, or a service action. */
    public static int flags(MemorySegment cdb, long at) {
        return BigEndian.u8(cdb, at + 1);
    }

    /** Sets bits of byte 1. */
    public static void addFlags(MemorySegment cdb, long at, int flags) {
        BigEndian.u8(cdb, at + 1, BigEndian.u8(cdb, at + 1) | flags);
    }

    /** INQUIRY for standard data (SPC-4 section 6.6). */
    public static void encodeInquiry(MemorySegment cdb, long at, int allocationBytes) {
        encode(cdb, at, ScsiCommand.INQUIRY, 0, allocationBytes);
    }

    /** INQUIRY for a vital product data page: EVPD set. */
    public static void encodeInquiryVpd(
            MemorySegment cdb, long at, int pageCode, int allocationBytes) {
        encode(cdb, at, ScsiCommand.INQUIRY, 0, allocationBytes);
        BigEndian.u8(cdb, at + 1, 0x01);
        BigEndian.u8(cdb, at + 2, pageCode);
    }

    /**
     * MODE SENSE(6) or (10) of current values, without block descriptors when {@code
     * disableBlockDescriptors}.
     */
    public static void encodeModeSense(
            MemorySegment cdb,
            long at,
            ScsiCommand command,
            int pageCode,
            boolean disableBlockDescriptors,
            int allocationBytes) {
        encode(cdb, at, command, 0, allocationBytes);
        BigEndian.u8(cdb, at + 1, disableBlockDescriptors ? 0x08 : 0);
        BigEndian.u8(cdb, at + 2, pageCode);
    }

    /**
     * One line such as {@code READ(10) lba=0 blocks=8 FUA}; never throws for a CDB of at least one
     * byte.
     */
    public static String describe(MemorySegment cdb, long at, int length) {
        if (length <= 0) {
            return "no CDB";
        }
        ScsiCommand command = length < 2 ? null : ScsiCommand.of(cdb, at);
        if (command == null || length < command.cdbBytes()) {
            return unknown(cdb, at, length, command);
        }
        return CdbText.of(command, cdb, at);
    }

    private static String unknown(
            MemorySegment cdb, long at, int length, @Nullable ScsiCommand command) {
        StringBuilder text = new StringBuilder(command == null ? "CDB" : "short " + command.text());
        for (int i = 0; i < length; i++) {
            text.append(i == 0 ? " " : "").append(CdbText.hex(BigEndian.u8(cdb, at + i), 2));
        }
        return text.toString();
    }
}
