package dev.airlock.scsi;

/**
 * Flags of an SRB. Source: Linux {@code storvsc_drv.c}, {@code SRB_FLAGS_*} (the same as Windows'
 * {@code srb.h}).
 */
public final class SrbFlags {

    public static final int QUEUE_ACTION_ENABLE = 0x0000_0002;
    public static final int DISABLE_DISCONNECT = 0x0000_0004;
    public static final int DISABLE_SYNCH_TRANSFER = 0x0000_0008;
    public static final int BYPASS_FROZEN_QUEUE = 0x0000_0010;

    /** The guest wants no sense data with a CHECK CONDITION. */
    public static final int DISABLE_AUTOSENSE = 0x0000_0020;

    public static final int DATA_IN = 0x0000_0040;
    public static final int DATA_OUT = 0x0000_0080;
    public static final int NO_QUEUE_FREEZE = 0x0000_0100;
    public static final int ADAPTER_CACHE_ENABLE = 0x0000_0200;
    public static final int FREE_SENSE_BUFFER = 0x0000_0400;

    private SrbFlags() {}

    /**
     * Names of the set bits joined by {@code |}; bits without a name as one hex number; {@code 0}
     * for none.
     */
    public static String name(int flags) {
        StringBuilder text = new StringBuilder();
        int rest = flags;
        for (int bit = QUEUE_ACTION_ENABLE; bit <= FREE_SENSE_BUFFER; bit <<= 1) {
            if ((flags & bit) != 0) {
                text.append(text.isEmpty() ? "" : "|").append(bitName(bit));
                rest &= ~bit;
            }
        }
        if (rest != 0) {
            text.append(text.isEmpty() ? "" : "|").append("0x").append(Integer.toHexString(rest));
        }
        return text.isEmpty() ? "0" : text.toString();
    }

    private static String bitName(int bit) {
        return switch (bit) {
            case QUEUE_ACTION_ENABLE -> "QUEUE_ACTION_ENABLE";
            case DISABLE_DISCONNECT -> "DISABLE_DISCONNECT";
            case DISABLE_SYNCH_TRANSFER -> "DISABLE_SYNCH_TRANSFER";
            case BYPASS_FROZEN_QUEUE -> "BYPASS_FROZEN_QUEUE";
            case DISABLE_AUTOSENSE -> "DISABLE_AUTOSENSE";
            case DATA_IN -> "DATA_IN";
            case DATA_OUT -> "DATA_OUT";
            case NO_QUEUE_FREEZE -> "NO_QUEUE_FREEZE";
            case ADAPTER_CACHE_ENABLE -> "ADAPTER_CACHE_ENABLE";
            case FREE_SENSE_BUFFER -> "FREE_SENSE_BUFFER";
            default -> throw new IllegalArgumentException("bit=" + bit);
        };
    }
}
