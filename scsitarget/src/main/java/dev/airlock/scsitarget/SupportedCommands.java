package dev.airlock.scsitarget;

import dev.airlock.scsi.ScsiCommand;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The commands a unit carries out, with the bits of their CDBs that it looks at: the CDB USAGE DATA
 * of REPORT SUPPORTED OPERATION CODES (SPC-4 section 6.34.3). Fields that are accepted and ignored
 * have zeroes.
 */
final class SupportedCommands {

    /** CONTROL byte: NACA, which is refused. */
    static final int CONTROL_NACA = 0x04;

    private static final int DPO_FUA = 0x18;
    private static final int DPO_BYTCHK = 0x16;
    private static final Map<ScsiCommand, byte[]> USAGE = new EnumMap<>(ScsiCommand.class);
    private static final ScsiCommand[] IN_ORDER;

    static {
        add(ScsiCommand.TEST_UNIT_READY);
        add(ScsiCommand.REQUEST_SENSE, 1, 0x01);
        add(ScsiCommand.READ_6);
        add(ScsiCommand.WRITE_6);
        add(ScsiCommand.INQUIRY, 1, 0x01, 2, 0xFF);
        add(ScsiCommand.MODE_SELECT_6, 1, 0x11);
        add(ScsiCommand.MODE_SENSE_6, 1, 0x08, 2, 0xFF, 3, 0xFF);
        add(ScsiCommand.START_STOP_UNIT, 4, 0xF7);
        add(ScsiCommand.PREVENT_ALLOW_MEDIUM_REMOVAL, 4, 0x03);
        add(ScsiCommand.READ_CAPACITY_10, 8, 0x01);
        add(ScsiCommand.READ_10, 1, DPO_FUA);
        add(ScsiCommand.WRITE_10, 1, DPO_FUA);
        add(ScsiCommand.VERIFY_10, 1, DPO_BYTCHK);
        add(ScsiCommand.SYNCHRONIZE_CACHE_10);
        add(ScsiCommand.WRITE_SAME_10, 1, 0x18);
        add(ScsiCommand.UNMAP, 1, 0x01);
        add(ScsiCommand.MODE_SELECT_10, 1, 0x11);
        add(ScsiCommand.MODE_SENSE_10, 1, 0x18, 2, 0xFF, 3, 0xFF);
        add(ScsiCommand.READ_16, 1, DPO_FUA);
        add(ScsiCommand.WRITE_16, 1, DPO_FUA);
        add(ScsiCommand.VERIFY_16, 1, DPO_BYTCHK);
        add(ScsiCommand.SYNCHRONIZE_CACHE_16);
        add(ScsiCommand.WRITE_SAME_16, 1, 0x19);
        add(ScsiCommand.READ_CAPACITY_16);
        add(ScsiCommand.GET_LBA_STATUS);
        add(ScsiCommand.REPORT_LUNS, 2, 0xFF);
        add(ScsiCommand.REPORT_SUPPORTED_OPERATION_CODES, 2, 0x87, 3, 0xFF, 4, 0xFF, 5, 0xFF);
        add(ScsiCommand.READ_12, 1, DPO_FUA);
        add(ScsiCommand.WRITE_12, 1, DPO_FUA);
        add(ScsiCommand.VERIFY_12, 1, DPO_BYTCHK);
        IN_ORDER = USAGE.keySet().toArray(new ScsiCommand[0]);
    }

    private SupportedCommands() {}

    /**
     * Every command that some unit carries out, ordered by operation code. Do not change the array.
     */
    static ScsiCommand[] inOrder() {
        return IN_ORDER;
    }

    /**
     * The usage data of a command: as many bytes as its CDB; null when it is not carried out. Do
     * not change the array.
     */
    static byte @Nullable [] usage(ScsiCommand command) {
        return USAGE.get(command);
    }

    private static void add(ScsiCommand command, int... byteAndMask) {
        byte[] usage = new byte[command.cdbBytes()];
        usage[0] = (byte) command.opcode();
        if (command.serviceAction() != ScsiCommand.NO_SERVICE_ACTION) {
            usage[1] = (byte) command.serviceAction();
        }
        boolean capacity16 = command == ScsiCommand.READ_CAPACITY_16;
        for (int i = 0; i < command.lbaBytes() && !capacity16; i++) {
            boolean highBitsOfSix = command.lbaBytes() == 3 && i == 0;
            usage[command.lbaAt() + i] = (byte) (highBitsOfSix ? 0x1F : 0xFF);
        }
        for (int i = 0; i < command.countBytes(); i++) {
            usage[command.countAt() + i] = (byte) 0xFF;
        }
        for (int i = 0; i < byteAndMask.length; i += 2) {
            usage[byteAndMask[i]] |= (byte) byteAndMask[i + 1];
        }
        usage[usage.length - 1] |= CONTROL_NACA;
        USAGE.put(command, usage);
    }
}
