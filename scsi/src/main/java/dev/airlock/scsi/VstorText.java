package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * One readable line for a {@link VstorPacket}, as {@code airlock trace decode} prints it. Never
 * throws for what a peer may have sent; a packet shorter than {@link VstorPacket#BYTES} is said to
 * be so. Allocates; not for the hot path.
 */
public final class VstorText {

    /** {@code requestOperation} of a completion whose request is not known. */
    public static final int UNKNOWN_REQUEST = 0;

    private VstorText() {}

    /**
     * Whether this is a packet of a known operation and whole, so that the line tells all that
     * there is to tell.
     */
    public static boolean isDecodable(MemorySegment packet, long at, long length) {
        if (length < VstorPacket.BYTES) {
            return false;
        }
        int operation = VstorPacket.operation(packet, at);
        return operation >= VstorOperation.COMPLETE_IO
                && operation <= VstorOperation.CREATE_SUB_CHANNELS;
    }

    /**
     * Describes a packet.
     *
     * @param length bytes of the packet from {@code at} on
     * @param requestOperation for a COMPLETE_IO, the {@link VstorOperation} that it completes (a
     *     completion does not say), or {@link #UNKNOWN_REQUEST}
     */
    public static String describe(
            MemorySegment packet, long at, long length, int requestOperation) {
        if (length < VstorPacket.BYTES) {
            return "short vstor packet bytes=" + length;
        }
        int operation = VstorPacket.operation(packet, at);
        StringBuilder text = new StringBuilder(VstorOperation.name(operation));
        int flags = VstorPacket.flags(packet, at) & ~VstorPacket.FLAG_REQUEST_COMPLETION;
        if (flags != 0) {
            text.append(" flags=0x").append(Integer.toHexString(flags));
        }
        if (operation == VstorOperation.COMPLETE_IO) {
            int status = VstorPacket.status(packet, at);
            if (requestOperation != UNKNOWN_REQUEST) {
                text.append(" of ").append(VstorOperation.name(requestOperation));
            }
            if (status != VstorPacket.STATUS_SUCCESS) {
                text.append(" status=0x").append(CdbText.hex(status, 8));
            }
            completionBody(text, packet, at, requestOperation);
        } else {
            requestBody(text, packet, at, operation);
        }
        return text.toString();
    }

    private static void requestBody(
            StringBuilder text, MemorySegment packet, long at, int operation) {
        switch (operation) {
            case VstorOperation.EXECUTE_SRB -> srb(text, packet, at);
            case VstorOperation.RESET_LUN, VstorOperation.RESET_BUS, VstorOperation.RESET_ADAPTER ->
                    address(text, packet, at);
            case VstorOperation.QUERY_PROTOCOL_VERSION -> version(text, packet, at);
            case VstorOperation.CREATE_SUB_CHANNELS ->
                    text.append(" count=").append(VstorPacket.subchannelCount(packet, at));
            default -> {}
        }
    }

    private static void completionBody(
            StringBuilder text, MemorySegment packet, long at, int requestOperation) {
        switch (requestOperation) {
            case VstorOperation.EXECUTE_SRB -> srbCompletion(text, packet, at);
            case VstorOperation.QUERY_PROTOCOL_VERSION -> version(text, packet, at);
            case VstorOperation.QUERY_PROPERTIES ->
                    text.append(" maxTransferBytes=")
                            .append(VstorChannelProperties.maxTransferBytes(packet, at))
                            .append(" maxChannelCount=")
                            .append(VstorChannelProperties.maxChannelCount(packet, at))
                            .append(" properties=0x")
                            .append(Integer.toHexString(VstorChannelProperties.flags(packet, at)));
            case UNKNOWN_REQUEST -> {
                if (VstorSrb.length(packet, at) == VstorSrb.BYTES) {
                    srbCompletion(text, packet, at);
                }
            }
            default -> {}
        }
    }

    private static void version(StringBuilder text, MemorySegment packet, long at) {
        text.append(" version=").append(VstorVersion.name(VstorPacket.version(packet, at)));
    }

    private static void address(StringBuilder text, MemorySegment packet, long at) {
        text.append(" at=")
                .append(VstorSrb.path(packet, at))
                .append(':')
                .append(VstorSrb.target(packet, at))
                .append(':')
                .append(VstorSrb.lun(packet, at));
    }

    private static void srb(StringBuilder text, MemorySegment packet, long at) {
        address(text, packet, at);
        int direction = VstorSrb.direction(packet, at);
        text.append(' ')
                .append(
                        switch (direction) {
                            case VstorSrb.DIRECTION_OUT -> "out";
                            case VstorSrb.DIRECTION_IN -> "in";
                            case VstorSrb.DIRECTION_NONE -> "none";
                            default -> "direction=" + direction;
                        })
                .append(" bytes=")
                .append(VstorSrb.dataTransferLength(packet, at))
                .append(' ');
        int cdbLength = Math.min(VstorSrb.cdbLength(packet, at), VstorSrb.CDB_BYTES);
        text.append(Cdb.describe(packet, at + VstorSrb.CDB_OFFSET, cdbLength));
        text.append(" srbFlags=").append(SrbFlags.name(VstorSrb.srbFlags(packet, at)));
    }

    private static void srbCompletion(StringBuilder text, MemorySegment packet, long at) {
        int srbStatus = VstorSrb.srbStatus(packet, at);
        int scsiStatus = VstorSrb.scsiStatus(packet, at);
        address(text, packet, at);
        text.append(" srb=")
                .append(SrbStatus.name(srbStatus))
                .append(" scsi=")
                .append(ScsiStatus.name(scsiStatus))
                .append(" bytes=")
                .append(VstorSrb.dataTransferLength(packet, at));
        if ((srbStatus & SrbStatus.AUTOSENSE_VALID) != 0
                && scsiStatus == ScsiStatus.CHECK_CONDITION) {
            int length = Math.min(VstorSrb.senseLength(packet, at), VstorSrb.SENSE_BYTES);
            text.append(" sense=[")
                    .append(Sense.describe(packet, at + VstorSrb.SENSE_OFFSET, length))
                    .append(']');
        }
    }
}
