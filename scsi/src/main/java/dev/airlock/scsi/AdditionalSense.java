package dev.airlock.scsi;

/**
 * Additional sense codes: ASC in the high byte, qualifier in the low one. Source: SPC-4 annex D
 * (the list that T10 keeps); those that this project sends or that a guest is likely to show.
 */
public final class AdditionalSense {

    public static final int NONE = 0x0000;
    public static final int BECOMING_READY = 0x0401;
    public static final int INITIALIZING_COMMAND_REQUIRED = 0x0402;
    public static final int WRITE_ERROR = 0x0C00;
    public static final int INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT = 0x0E03;
    public static final int UNRECOVERED_READ_ERROR = 0x1100;
    public static final int PARAMETER_LIST_LENGTH_ERROR = 0x1A00;
    public static final int MISCOMPARE_DURING_VERIFY = 0x1D00;
    public static final int INVALID_COMMAND_OPERATION_CODE = 0x2000;
    public static final int LBA_OUT_OF_RANGE = 0x2100;
    public static final int INVALID_FIELD_IN_CDB = 0x2400;
    public static final int LOGICAL_UNIT_NOT_SUPPORTED = 0x2500;
    public static final int INVALID_FIELD_IN_PARAMETER_LIST = 0x2600;
    public static final int PARAMETER_VALUE_INVALID = 0x2602;
    public static final int WRITE_PROTECTED = 0x2700;
    public static final int SPACE_ALLOCATION_FAILED = 0x2707;
    public static final int MEDIUM_MAY_HAVE_CHANGED = 0x2800;
    public static final int POWER_ON_RESET_OR_BUS_DEVICE_RESET = 0x2900;
    public static final int POWER_ON_OCCURRED = 0x2901;
    public static final int SCSI_BUS_RESET_OCCURRED = 0x2902;
    public static final int BUS_DEVICE_RESET_OCCURRED = 0x2903;
    public static final int DEVICE_INTERNAL_RESET = 0x2904;
    public static final int MODE_PARAMETERS_CHANGED = 0x2A01;
    public static final int CAPACITY_DATA_CHANGED = 0x2A09;
    public static final int COMMANDS_CLEARED_BY_ANOTHER_INITIATOR = 0x2F00;
    public static final int SAVING_PARAMETERS_NOT_SUPPORTED = 0x3900;
    public static final int MEDIUM_NOT_PRESENT = 0x3A00;
    public static final int INQUIRY_DATA_HAS_CHANGED = 0x3F03;
    public static final int REPORTED_LUNS_DATA_HAS_CHANGED = 0x3F0E;
    public static final int INTERNAL_TARGET_FAILURE = 0x4400;
    public static final int COMMAND_PHASE_ERROR = 0x4A00;
    public static final int DATA_PHASE_ERROR = 0x4B00;
    public static final int MEDIUM_REMOVAL_PREVENTED = 0x5302;
    public static final int INSUFFICIENT_RESOURCES = 0x5503;

    private AdditionalSense() {}

    /** Name, or {@code asc=0x.. ascq=0x..} for one without a name here. */
    public static String name(int code) {
        return switch (code) {
            case NONE -> "NO ADDITIONAL SENSE INFORMATION";
            case BECOMING_READY -> "LOGICAL UNIT IS IN PROCESS OF BECOMING READY";
            case INITIALIZING_COMMAND_REQUIRED ->
                    "LOGICAL UNIT NOT READY, INITIALIZING COMMAND REQUIRED";
            case WRITE_ERROR -> "WRITE ERROR";
            case INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT ->
                    "INVALID FIELD IN COMMAND INFORMATION UNIT";
            case UNRECOVERED_READ_ERROR -> "UNRECOVERED READ ERROR";
            case PARAMETER_LIST_LENGTH_ERROR -> "PARAMETER LIST LENGTH ERROR";
            case MISCOMPARE_DURING_VERIFY -> "MISCOMPARE DURING VERIFY OPERATION";
            case INVALID_COMMAND_OPERATION_CODE -> "INVALID COMMAND OPERATION CODE";
            case LBA_OUT_OF_RANGE -> "LOGICAL BLOCK ADDRESS OUT OF RANGE";
            case INVALID_FIELD_IN_CDB -> "INVALID FIELD IN CDB";
            case LOGICAL_UNIT_NOT_SUPPORTED -> "LOGICAL UNIT NOT SUPPORTED";
            case INVALID_FIELD_IN_PARAMETER_LIST -> "INVALID FIELD IN PARAMETER LIST";
            case PARAMETER_VALUE_INVALID -> "PARAMETER VALUE INVALID";
            case WRITE_PROTECTED -> "WRITE PROTECTED";
            case SPACE_ALLOCATION_FAILED -> "SPACE ALLOCATION FAILED WRITE PROTECT";
            case MEDIUM_MAY_HAVE_CHANGED -> "NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED";
            case POWER_ON_RESET_OR_BUS_DEVICE_RESET ->
                    "POWER ON, RESET, OR BUS DEVICE RESET OCCURRED";
            case POWER_ON_OCCURRED -> "POWER ON OCCURRED";
            case SCSI_BUS_RESET_OCCURRED -> "SCSI BUS RESET OCCURRED";
            case BUS_DEVICE_RESET_OCCURRED -> "BUS DEVICE RESET FUNCTION OCCURRED";
            case DEVICE_INTERNAL_RESET -> "DEVICE INTERNAL RESET";
            case MODE_PARAMETERS_CHANGED -> "MODE PARAMETERS CHANGED";
            case CAPACITY_DATA_CHANGED -> "CAPACITY DATA HAS CHANGED";
            case COMMANDS_CLEARED_BY_ANOTHER_INITIATOR -> "COMMANDS CLEARED BY ANOTHER INITIATOR";
            case SAVING_PARAMETERS_NOT_SUPPORTED -> "SAVING PARAMETERS NOT SUPPORTED";
            case MEDIUM_NOT_PRESENT -> "MEDIUM NOT PRESENT";
            case INQUIRY_DATA_HAS_CHANGED -> "INQUIRY DATA HAS CHANGED";
            case REPORTED_LUNS_DATA_HAS_CHANGED -> "REPORTED LUNS DATA HAS CHANGED";
            case INTERNAL_TARGET_FAILURE -> "INTERNAL TARGET FAILURE";
            case COMMAND_PHASE_ERROR -> "COMMAND PHASE ERROR";
            case DATA_PHASE_ERROR -> "DATA PHASE ERROR";
            case MEDIUM_REMOVAL_PREVENTED -> "MEDIUM REMOVAL PREVENTED";
            case INSUFFICIENT_RESOURCES -> "INSUFFICIENT RESOURCES";
            default ->
                    "asc=0x"
                            + CdbText.hex(code >>> 8 & 0xFF, 2)
                            + " ascq=0x"
                            + CdbText.hex(code & 0xFF, 2);
        };
    }
}
