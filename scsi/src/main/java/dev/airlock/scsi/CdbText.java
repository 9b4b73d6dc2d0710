package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;
import java.util.Locale;

/** The readable line of a CDB whose command and length are known. */
final class CdbText {

    private CdbText() {}

    static String of(ScsiCommand command, MemorySegment cdb, long at) {
        StringBuilder text = new StringBuilder(command.text());
        int byte1 = BigEndian.u8(cdb, at + 1);
        switch (command) {
            case INQUIRY -> {
                if ((byte1 & 1) != 0) {
                    text.append(" vpd=0x").append(hex(BigEndian.u8(cdb, at + 2), 2));
                }
            }
            case MODE_SENSE_6, MODE_SENSE_10 -> modeSense(text, cdb, at);
            case READ_CAPACITY_10, READ_CAPACITY_16 -> {}
            case START_STOP_UNIT ->
                    text.append((BigEndian.u8(cdb, at + 4) & 1) != 0 ? " start" : " stop");
            default -> {
                if (command.hasLba()) {
                    text.append(" lba=").append(Long.toUnsignedString(command.lba(cdb, at)));
                }
            }
        }
        switch (command.counts()) {
            case NONE -> {}
            case BLOCKS -> text.append(" blocks=").append(command.count(cdb, at));
            case ALLOCATION -> text.append(" allocation=").append(command.count(cdb, at));
            case PARAMETERS -> text.append(" parameters=").append(command.count(cdb, at));
        }
        flags(text, command, byte1);
        return text.toString();
    }

    private static void modeSense(StringBuilder text, MemorySegment cdb, long at) {
        int byte2 = BigEndian.u8(cdb, at + 2);
        text.append(" page=0x").append(hex(byte2 & 0x3F, 2));
        int subpage = BigEndian.u8(cdb, at + 3);
        if (subpage != 0) {
            text.append("/0x").append(hex(subpage, 2));
        }
        text.append(
                switch (byte2 >>> 6) {
                    case 0 -> " current";
                    case 1 -> " changeable";
                    case 2 -> " default";
                    default -> " saved";
                });
    }

    private static void flags(StringBuilder text, ScsiCommand command, int byte1) {
        switch (command) {
            case READ_10, READ_12, READ_16, WRITE_10, WRITE_12, WRITE_16 -> {
                flag(text, byte1, Cdb.FUA, "FUA");
                flag(text, byte1, Cdb.DPO, "DPO");
            }
            case WRITE_SAME_10, WRITE_SAME_16 -> {
                flag(text, byte1, Cdb.WRITE_SAME_UNMAP, "UNMAP");
                flag(text, byte1, Cdb.WRITE_SAME_ANCHOR, "ANCHOR");
                flag(text, byte1, Cdb.WRITE_SAME_NDOB, "NDOB");
            }
            case VERIFY_10, VERIFY_12, VERIFY_16 -> {
                if ((byte1 & Cdb.BYTCHK_MASK) != 0) {
                    text.append(" BYTCHK=").append((byte1 & Cdb.BYTCHK_MASK) >>> 1);
                }
            }
            case SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16 ->
                    flag(text, byte1, Cdb.SYNC_IMMED, "IMMED");
            default -> {}
        }
    }

    private static void flag(StringBuilder text, int flags, int bit, String name) {
        if ((flags & bit) != 0) {
            text.append(' ').append(name);
        }
    }

    static String hex(int value, int digits) {
        return String.format(Locale.ROOT, "%0" + digits + "x", value);
    }
}
