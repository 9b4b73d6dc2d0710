package dev.airlock.scsi;

/**
 * What a {@link VstorPacket} asks for. Source: Linux {@code storvsc_drv.c}, {@code enum
 * vstor_packet_operation}.
 */
public final class VstorOperation {

    /** Host to guest: the answer to a packet that asked for a completion; same transaction id. */
    public static final int COMPLETE_IO = 1;

    /** Host to guest, unsolicited: a device has gone; the guest rescans. */
    public static final int REMOVE_DEVICE = 2;

    /** Guest to host: run the SRB of the body. */
    public static final int EXECUTE_SRB = 3;

    public static final int RESET_LUN = 4;
    public static final int RESET_ADAPTER = 5;

    /** The only reset that Linux sends. */
    public static final int RESET_BUS = 6;

    /** First of the four packets that every device begins with. */
    public static final int BEGIN_INITIALIZATION = 7;

    /** Last of the initialisation; SRBs may follow. */
    public static final int END_INITIALIZATION = 8;

    public static final int QUERY_PROTOCOL_VERSION = 9;
    public static final int QUERY_PROPERTIES = 10;

    /** Host to guest, unsolicited: devices may have come or gone; the guest rescans. */
    public static final int ENUMERATE_BUS = 11;

    /** Fibre Channel adapters only. */
    public static final int FCHBA_DATA = 12;

    public static final int CREATE_SUB_CHANNELS = 13;

    private VstorOperation() {}

    /** The operation's name, or its number where there is none. */
    public static String name(int operation) {
        return switch (operation) {
            case COMPLETE_IO -> "COMPLETE_IO";
            case REMOVE_DEVICE -> "REMOVE_DEVICE";
            case EXECUTE_SRB -> "EXECUTE_SRB";
            case RESET_LUN -> "RESET_LUN";
            case RESET_ADAPTER -> "RESET_ADAPTER";
            case RESET_BUS -> "RESET_BUS";
            case BEGIN_INITIALIZATION -> "BEGIN_INITIALIZATION";
            case END_INITIALIZATION -> "END_INITIALIZATION";
            case QUERY_PROTOCOL_VERSION -> "QUERY_PROTOCOL_VERSION";
            case QUERY_PROPERTIES -> "QUERY_PROPERTIES";
            case ENUMERATE_BUS -> "ENUMERATE_BUS";
            case FCHBA_DATA -> "FCHBA_DATA";
            case CREATE_SUB_CHANNELS -> "CREATE_SUB_CHANNELS";
            default -> "operation=" + Integer.toUnsignedString(operation);
        };
    }
}
