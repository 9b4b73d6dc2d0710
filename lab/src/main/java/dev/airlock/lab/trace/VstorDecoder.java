package dev.airlock.lab.trace;

import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.ScsiStatus;
import dev.airlock.scsi.Sense;
import dev.airlock.scsi.SrbFlags;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorChannelProperties;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsi.VstorVersion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * vstor packets of every protocol version. Before 5.1 they are {@link #SHORT_BYTES} long: the SRB
 * lacks its extension (Linux up to 5.18, {@code vmscsi_size_delta}), and those kernels send the
 * first packets of every device so, whatever version they agree on later.
 */
final class VstorDecoder {
    /** A packet whose SRB ends before {@code vmscsi_win8_extension}. */
    static final int SHORT_BYTES = VstorSrb.EXTENSION_RESERVE_OFFSET;

    private static final int SHORT_SRB_BYTES = SHORT_BYTES - VstorPacket.BODY_OFFSET;

    /** Body of an FCHBA_DATA completion: Linux {@code struct hv_fc_wwn_packet}. */
    private static final int WWN_OFFSET = VstorPacket.BODY_OFFSET + Integer.BYTES;

    private static final int WWN_BYTES = 8;

    /** Field of every vstor packet: its operation by name. */
    static final String OPERATION = "operation";

    /** Field of a completion: the operation that it completes, by name. */
    static final String REQUEST = "request";

    /** Field of an SRB and of its completion: the SCSI command by name. */
    static final String COMMAND = "command";

    /** Field of an SRB and of its completion: first byte of the CDB, in hexadecimal. */
    static final String OPCODE = "opcode";

    private VstorDecoder() {}

    /** Whether these are the bytes of a whole packet of a known operation. */
    static boolean isVstor(MemorySegment payload) {
        return payload.byteSize() >= SHORT_BYTES && isOperation(VstorPacket.operation(payload, 0));
    }

    /**
     * Adds the fields of a packet.
     *
     * @param unsolicited from the host, with the id that nobody waits for: the operation is all of
     *     it, the rest may be missing
     * @param completed what it completes, null if that is not known or it completes nothing
     * @return the request that it makes, null for a completion
     */
    static Requests.@Nullable Request decode(
            int line,
            MemorySegment payload,
            boolean unsolicited,
            Requests.@Nullable Request completed,
            DecodedEvent.Builder out)
            throws TraceException {
        long bytes = payload.byteSize();
        int needed = unsolicited ? VstorPacket.FLAGS_OFFSET : SHORT_BYTES;
        if (bytes < needed) {
            throw new TraceException(
                    line, "vstor packet cut off: bytes=%d needed=%d".formatted(bytes, needed));
        }
        MemorySegment packet = MemorySegment.ofArray(new byte[VstorPacket.BYTES]);
        MemorySegment.copy(payload, 0, packet, 0, Math.min(bytes, VstorPacket.BYTES));
        int operation = VstorPacket.operation(packet, 0);
        if (!isOperation(operation)) {
            throw new TraceException(
                    line, "unknown vstor operation " + Integer.toUnsignedString(operation));
        }
        out.plain(OPERATION, VstorOperation.name(operation));
        Requests.Request request = null;
        if (operation == VstorOperation.COMPLETE_IO) {
            completion(packet, completed, out);
        } else {
            request = request(packet, operation, bytes >= VstorPacket.BYTES, out);
        }
        int flags = VstorPacket.flags(packet, 0);
        out.addIf(
                (flags & ~VstorPacket.FLAG_REQUEST_COMPLETION) != 0,
                "vstorFlags",
                Integer.toUnsignedLong(flags));
        out.addIf(bytes != VstorPacket.BYTES, "vstorBytes", bytes);
        return request;
    }

    private static boolean isOperation(int operation) {
        return operation >= VstorOperation.COMPLETE_IO
                && operation <= VstorOperation.CREATE_SUB_CHANNELS;
    }

    private static Requests.Request request(
            MemorySegment packet, int operation, boolean whole, DecodedEvent.Builder out) {
        switch (operation) {
            case VstorOperation.EXECUTE_SRB -> {
                return srb(packet, whole, out);
            }
            case VstorOperation.RESET_LUN, VstorOperation.RESET_BUS, VstorOperation.RESET_ADAPTER ->
                    address(packet, out);
            case VstorOperation.QUERY_PROTOCOL_VERSION -> version(packet, out);
            case VstorOperation.CREATE_SUB_CHANNELS ->
                    out.add("count", VstorPacket.subchannelCount(packet, 0));
            default -> {}
        }
        return new Requests.Request(operation, null, Requests.NO_OPCODE, 0);
    }

    private static Requests.Request srb(
            MemorySegment packet, boolean whole, DecodedEvent.Builder out) {
        address(packet, out);
        int cdbLength = VstorSrb.cdbLength(packet, 0);
        int present = Math.min(cdbLength, VstorSrb.CDB_BYTES);
        out.plain("cdb", Cdb.describe(packet, VstorSrb.CDB_OFFSET, present));
        ScsiCommand command =
                present < 2 ? null : ScsiCommand.of(packet, (long) VstorSrb.CDB_OFFSET);
        if (command != null && present >= command.cdbBytes()) {
            numbers(packet, command, out);
        }
        out.addIf(cdbLength > VstorSrb.CDB_BYTES, "cdbLength", cdbLength);
        int direction = VstorSrb.direction(packet, 0);
        out.plain(
                "data",
                switch (direction) {
                    case VstorSrb.DIRECTION_OUT -> "out";
                    case VstorSrb.DIRECTION_IN -> "in";
                    case VstorSrb.DIRECTION_NONE -> "none";
                    default -> "direction(" + direction + ")";
                });
        long transfer = VstorSrb.dataTransferLength(packet, 0);
        out.add("transfer", transfer);
        if (whole) {
            int flags = VstorSrb.srbFlags(packet, 0);
            out.addIf(flags != 0, "srbFlags", SrbFlags.name(flags));
            int tag = VstorSrb.queueTag(packet, 0);
            out.addIf(tag != 0 && tag != VstorSrb.QUEUE_TAG_UNTAGGED, "queueTag", tag);
            out.silent("queueAction", VstorSrb.queueAction(packet, 0));
            out.silent(
                    "timeoutSeconds", Integer.toUnsignedLong(VstorSrb.timeoutSeconds(packet, 0)));
        }
        int length = VstorSrb.length(packet, 0);
        out.addIf(length != VstorSrb.BYTES && length != SHORT_SRB_BYTES, "srbLength", length);
        String name =
                command != null
                        ? command.text()
                        : Cdb.describe(packet, VstorSrb.CDB_OFFSET, Math.min(present, 1));
        int opcode =
                present == 0
                        ? Requests.NO_OPCODE
                        : packet.get(ValueLayout.JAVA_BYTE, VstorSrb.CDB_OFFSET) & 0xFF;
        out.silent(COMMAND, name);
        opcode(opcode, out);
        return new Requests.Request(VstorOperation.EXECUTE_SRB, name, opcode, transfer);
    }

    private static void opcode(int opcode, DecodedEvent.Builder out) {
        if (opcode != Requests.NO_OPCODE) {
            out.silent(OPCODE, DecodedEvent.Builder.hex(opcode));
        }
    }

    /** What the command's text says, for programs. */
    private static void numbers(
            MemorySegment packet, ScsiCommand command, DecodedEvent.Builder out) {
        if (command.hasLba()) {
            String lba = Long.toUnsignedString(command.lba(packet, VstorSrb.CDB_OFFSET));
            out.silent("lba", new BigInteger(lba));
        }
        if (command.counts() == ScsiCommand.Count.BLOCKS) {
            out.silent("blocks", command.count(packet, VstorSrb.CDB_OFFSET));
        }
    }

    private static void completion(
            MemorySegment packet, Requests.@Nullable Request request, DecodedEvent.Builder out) {
        int status = VstorPacket.status(packet, 0);
        if (request == null) {
            out.addIf(status != NtStatus.SUCCESS, "status", NtStatus.name(status));
            int length = VstorSrb.length(packet, 0);
            if (length == VstorSrb.BYTES || length == SHORT_SRB_BYTES) {
                srbCompletion(packet, null, out);
            }
            return;
        }
        out.prose("of").plain(REQUEST, VstorOperation.name(request.operation()));
        out.addIf(status != NtStatus.SUCCESS, "status", NtStatus.name(status));
        switch (request.operation()) {
            case VstorOperation.EXECUTE_SRB -> srbCompletion(packet, request, out);
            case VstorOperation.QUERY_PROTOCOL_VERSION -> version(packet, out);
            case VstorOperation.QUERY_PROPERTIES ->
                    out.add("maxTransferBytes", VstorChannelProperties.maxTransferBytes(packet, 0))
                            .add("maxChannels", VstorChannelProperties.maxChannelCount(packet, 0))
                            .hex(
                                    "properties",
                                    Integer.toUnsignedLong(
                                            VstorChannelProperties.flags(packet, 0)));
            case VstorOperation.FCHBA_DATA -> worldWideNames(packet, out);
            default -> {}
        }
    }

    private static void srbCompletion(
            MemorySegment packet, Requests.@Nullable Request request, DecodedEvent.Builder out) {
        if (request != null && request.command() != null) {
            out.plain(COMMAND, request.command());
            opcode(request.opcode(), out);
        }
        address(packet, out);
        int srbStatus = VstorSrb.srbStatus(packet, 0);
        int scsiStatus = VstorSrb.scsiStatus(packet, 0);
        out.add("srb", SrbStatus.name(srbStatus)).add("scsi", ScsiStatus.name(scsiStatus));
        long transferred = VstorSrb.dataTransferLength(packet, 0);
        out.add("transferred", transferred);
        if (request != null) {
            out.addIf(request.transferBytes() != transferred, "requested", request.transferBytes());
        }
        if ((srbStatus & SrbStatus.AUTOSENSE_VALID) != 0) {
            sense(packet, out);
        }
    }

    private static void sense(MemorySegment packet, DecodedEvent.Builder out) {
        int at = VstorSrb.SENSE_OFFSET;
        int length = Math.min(VstorSrb.senseLength(packet, 0), VstorSrb.SENSE_BYTES);
        out.add("sense", Sense.describe(packet, at, length));
        if (Sense.isValid(packet, at, length)) {
            int code = Sense.additionalSense(packet, at);
            out.hex("senseKey", Sense.key(packet, at));
            out.hex("asc", code >>> 8).hex("ascq", code & 0xFF);
        }
    }

    private static void worldWideNames(MemorySegment packet, DecodedEvent.Builder out) {
        out.add("primaryActive", packet.get(ValueLayout.JAVA_BYTE, VstorPacket.BODY_OFFSET) != 0);
        String[] names = {"primaryPort", "primaryNode", "secondaryPort", "secondaryNode"};
        for (int i = 0; i < names.length; i++) {
            byte[] wwn =
                    packet.asSlice(WWN_OFFSET + (long) i * WWN_BYTES, WWN_BYTES)
                            .toArray(ValueLayout.JAVA_BYTE);
            out.add(names[i], HexFormat.of().formatHex(wwn));
        }
    }

    private static void version(MemorySegment packet, DecodedEvent.Builder out) {
        out.add("version", VstorVersion.name(VstorPacket.version(packet, 0)));
        int revision = VstorPacket.revision(packet, 0);
        out.addIf(revision != 0, "revision", revision);
    }

    private static void address(MemorySegment packet, DecodedEvent.Builder out) {
        int port = VstorSrb.port(packet, 0);
        out.addIf(port != 0, "port", port)
                .add("path", VstorSrb.path(packet, 0))
                .add("target", VstorSrb.target(packet, 0))
                .add("lun", VstorSrb.lun(packet, 0));
    }
}
