package dev.airlock.scsi;

/**
 * What became of an SRB: a code in the low six bits and two flags. Source: Windows {@code srb.h},
 * of which Linux {@code storvsc_drv.c} names a part ({@code SRB_STATUS_*}).
 */
public final class SrbStatus {

    public static final int PENDING = 0x00;
    public static final int SUCCESS = 0x01;
    public static final int ABORTED = 0x02;
    public static final int ABORT_FAILED = 0x03;

    /**
     * The command ended with a SCSI status other than GOOD, or failed in a way that no other code
     * tells.
     */
    public static final int ERROR = 0x04;

    public static final int BUSY = 0x05;

    /** The SRB contradicts itself or asks for what the provider does not do. */
    public static final int INVALID_REQUEST = 0x06;

    public static final int INVALID_PATH_ID = 0x07;
    public static final int NO_DEVICE = 0x08;
    public static final int TIMEOUT = 0x09;
    public static final int SELECTION_TIMEOUT = 0x0A;
    public static final int COMMAND_TIMEOUT = 0x0B;
    public static final int MESSAGE_REJECTED = 0x0D;
    public static final int BUS_RESET = 0x0E;
    public static final int PARITY_ERROR = 0x0F;
    public static final int REQUEST_SENSE_FAILED = 0x10;
    public static final int NO_HBA = 0x11;

    /** Less data was moved than the SRB had room for, or the command had more than the SRB took. */
    public static final int DATA_OVERRUN = 0x12;

    public static final int UNEXPECTED_BUS_FREE = 0x13;
    public static final int PHASE_SEQUENCE_FAILURE = 0x14;
    public static final int BAD_SRB_BLOCK_LENGTH = 0x15;
    public static final int REQUEST_FLUSHED = 0x16;

    /** No such LUN: Linux then removes the device at (channel 0, target, lun). */
    public static final int INVALID_LUN = 0x20;

    public static final int INVALID_TARGET_ID = 0x21;
    public static final int BAD_FUNCTION = 0x22;
    public static final int ERROR_RECOVERY = 0x23;
    public static final int NOT_POWERED = 0x24;
    public static final int LINK_DOWN = 0x25;
    public static final int INTERNAL_ERROR = 0x30;

    /** The code, without the flags. */
    public static final int CODE_MASK = 0x3F;

    public static final int QUEUE_FROZEN = 0x40;

    /**
     * The SRB's sense field holds sense data. Linux reads sense only with this set and CHECK
     * CONDITION.
     */
    public static final int AUTOSENSE_VALID = 0x80;

    private SrbStatus() {}

    public static int code(int status) {
        return status & CODE_MASK;
    }

    /** Name of the code, then {@code |QUEUE_FROZEN} and {@code |AUTOSENSE_VALID} where set. */
    public static String name(int status) {
        String code = codeName(status & CODE_MASK);
        return code
                + ((status & QUEUE_FROZEN) != 0 ? "|QUEUE_FROZEN" : "")
                + ((status & AUTOSENSE_VALID) != 0 ? "|AUTOSENSE_VALID" : "");
    }

    private static String codeName(int code) {
        return switch (code) {
            case PENDING -> "PENDING";
            case SUCCESS -> "SUCCESS";
            case ABORTED -> "ABORTED";
            case ABORT_FAILED -> "ABORT_FAILED";
            case ERROR -> "ERROR";
            case BUSY -> "BUSY";
            case INVALID_REQUEST -> "INVALID_REQUEST";
            case INVALID_PATH_ID -> "INVALID_PATH_ID";
            case NO_DEVICE -> "NO_DEVICE";
            case TIMEOUT -> "TIMEOUT";
            case SELECTION_TIMEOUT -> "SELECTION_TIMEOUT";
            case COMMAND_TIMEOUT -> "COMMAND_TIMEOUT";
            case MESSAGE_REJECTED -> "MESSAGE_REJECTED";
            case BUS_RESET -> "BUS_RESET";
            case PARITY_ERROR -> "PARITY_ERROR";
            case REQUEST_SENSE_FAILED -> "REQUEST_SENSE_FAILED";
            case NO_HBA -> "NO_HBA";
            case DATA_OVERRUN -> "DATA_OVERRUN";
            case UNEXPECTED_BUS_FREE -> "UNEXPECTED_BUS_FREE";
            case PHASE_SEQUENCE_FAILURE -> "PHASE_SEQUENCE_FAILURE";
            case BAD_SRB_BLOCK_LENGTH -> "BAD_SRB_BLOCK_LENGTH";
            case REQUEST_FLUSHED -> "REQUEST_FLUSHED";
            case INVALID_LUN -> "INVALID_LUN";
            case INVALID_TARGET_ID -> "INVALID_TARGET_ID";
            case BAD_FUNCTION -> "BAD_FUNCTION";
            case ERROR_RECOVERY -> "ERROR_RECOVERY";
            case NOT_POWERED -> "NOT_POWERED";
            case LINK_DOWN -> "LINK_DOWN";
            case INTERNAL_ERROR -> "INTERNAL_ERROR";
            default -> "0x" + Integer.toHexString(code);
        };
    }
}
