package dev.airlock.scsi;

/** Sense keys. Source: SPC-4 section 4.5.6, table 43. */
public final class SenseKey {

    public static final int NO_SENSE = 0x0;
    public static final int RECOVERED_ERROR = 0x1;
    public static final int NOT_READY = 0x2;
    public static final int MEDIUM_ERROR = 0x3;
    public static final int HARDWARE_ERROR = 0x4;
    public static final int ILLEGAL_REQUEST = 0x5;
    public static final int UNIT_ATTENTION = 0x6;
    public static final int DATA_PROTECT = 0x7;
    public static final int BLANK_CHECK = 0x8;
    public static final int VENDOR_SPECIFIC = 0x9;
    public static final int COPY_ABORTED = 0xA;
    public static final int ABORTED_COMMAND = 0xB;
    public static final int VOLUME_OVERFLOW = 0xD;
    public static final int MISCOMPARE = 0xE;
    public static final int COMPLETED = 0xF;

    private SenseKey() {}

    public static String name(int key) {
        return switch (key) {
            case NO_SENSE -> "NO SENSE";
            case RECOVERED_ERROR -> "RECOVERED ERROR";
            case NOT_READY -> "NOT READY";
            case MEDIUM_ERROR -> "MEDIUM ERROR";
            case HARDWARE_ERROR -> "HARDWARE ERROR";
            case ILLEGAL_REQUEST -> "ILLEGAL REQUEST";
            case UNIT_ATTENTION -> "UNIT ATTENTION";
            case DATA_PROTECT -> "DATA PROTECT";
            case BLANK_CHECK -> "BLANK CHECK";
            case VENDOR_SPECIFIC -> "VENDOR SPECIFIC";
            case COPY_ABORTED -> "COPY ABORTED";
            case ABORTED_COMMAND -> "ABORTED COMMAND";
            case VOLUME_OVERFLOW -> "VOLUME OVERFLOW";
            case MISCOMPARE -> "MISCOMPARE";
            case COMPLETED -> "COMPLETED";
            default -> "sense key 0x" + Integer.toHexString(key);
        };
    }
}
