package dev.airlock.lab.trace;

import static dev.airlock.vmbus.PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.scsi.Cdb;
import dev.airlock.scsi.ScsiCommand;
import dev.airlock.scsi.VstorChannelProperties;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes ring packets again from nothing but the fields that the descriptors name: bytes that no
 * field covers come out as zeros.
 */
final class PacketCopier {
    private final Map<Long, Integer> requests = new HashMap<>();

    byte[] encodeAgain(TraceEvent.Packet event) {
        MemorySegment from = event.packet();
        byte[] bytes = new byte[PacketDescriptor.packetBytes(from, 0)];
        MemorySegment to = MemorySegment.ofArray(bytes);
        int type = PacketDescriptor.type(from, 0);
        int payloadAt = PacketDescriptor.dataOffset(from, 0);
        long id = PacketDescriptor.transactionId(from, 0);
        int flags = PacketDescriptor.flags(from, 0);
        if (type == TYPE_DATA_USING_GPA_DIRECT) {
            int pages = GpaDirectPacket.validatedPageCount(from, 0, bytes.length);
            assertThat(pages).isPositive();
            assertThat(
                            GpaDirectPacket.encode(
                                    to,
                                    0,
                                    (int) GpaDirectPacket.byteCount(from, 0),
                                    (int) GpaDirectPacket.byteOffset(from, 0),
                                    pages,
                                    VstorPacket.BYTES,
                                    flags,
                                    id))
                    .isEqualTo(payloadAt);
            for (int i = 0; i < pages; i++) {
                GpaDirectPacket.putPfn(to, 0, i, GpaDirectPacket.pfn(from, 0, i));
            }
        } else {
            PacketDescriptor.encode(to, 0, type, payloadAt, bytes.length, flags, id);
        }
        int operation = VstorPacket.operation(from, payloadAt);
        int body = operation;
        if (event.direction() == Direction.GUEST_TO_HOST) {
            requests.put(id, operation);
        } else {
            body = requests.getOrDefault(id, operation);
        }
        VstorPacket.clear(to, payloadAt, operation, VstorPacket.flags(from, payloadAt));
        VstorPacket.status(to, payloadAt, VstorPacket.status(from, payloadAt));
        copyBody(body, from, to, payloadAt);
        return bytes;
    }

    private static void copyBody(int operation, MemorySegment from, MemorySegment to, long at) {
        switch (operation) {
            case VstorOperation.EXECUTE_SRB -> copySrb(from, to, at);
            case VstorOperation.QUERY_PROTOCOL_VERSION -> {
                VstorPacket.version(to, at, VstorPacket.version(from, at));
                VstorPacket.revision(to, at, VstorPacket.revision(from, at));
            }
            case VstorOperation.QUERY_PROPERTIES -> {
                VstorChannelProperties.maxChannelCount(
                        to, at, VstorChannelProperties.maxChannelCount(from, at));
                VstorChannelProperties.flags(to, at, VstorChannelProperties.flags(from, at));
                VstorChannelProperties.maxTransferBytes(
                        to, at, VstorChannelProperties.maxTransferBytes(from, at));
            }
            default -> {}
        }
    }

    private static void copySrb(MemorySegment from, MemorySegment to, long at) {
        VstorSrb.length(to, at, VstorSrb.length(from, at));
        VstorSrb.srbStatus(to, at, VstorSrb.srbStatus(from, at));
        VstorSrb.scsiStatus(to, at, VstorSrb.scsiStatus(from, at));
        VstorSrb.port(to, at, VstorSrb.port(from, at));
        VstorSrb.path(to, at, VstorSrb.path(from, at));
        VstorSrb.target(to, at, VstorSrb.target(from, at));
        VstorSrb.lun(to, at, VstorSrb.lun(from, at));
        VstorSrb.cdbLength(to, at, VstorSrb.cdbLength(from, at));
        VstorSrb.senseLength(to, at, VstorSrb.senseLength(from, at));
        VstorSrb.direction(to, at, VstorSrb.direction(from, at));
        VstorSrb.dataTransferLength(to, at, VstorSrb.dataTransferLength(from, at));
        copyCdb(from, to, at + VstorSrb.CDB_OFFSET);
        VstorSrb.queueTag(to, at, VstorSrb.queueTag(from, at));
        VstorSrb.queueAction(to, at, VstorSrb.queueAction(from, at));
        VstorSrb.srbFlags(to, at, VstorSrb.srbFlags(from, at));
        VstorSrb.timeoutSeconds(to, at, VstorSrb.timeoutSeconds(from, at));
        VstorSrb.sortKey(to, at, VstorSrb.sortKey(from, at));
    }

    /** READ and WRITE from their fields, others whole. */
    private static void copyCdb(MemorySegment from, MemorySegment to, long at) {
        ScsiCommand command = ScsiCommand.of(from, at);
        assertThat(command).isNotNull();
        if (command == ScsiCommand.READ_10 || command == ScsiCommand.WRITE_10) {
            Cdb.encode(to, at, command, command.lba(from, at), command.count(from, at));
            Cdb.addFlags(to, at, Cdb.flags(from, at));
        } else {
            MemorySegment.copy(from, at, to, at, VstorSrb.CDB_BYTES);
        }
    }
}
