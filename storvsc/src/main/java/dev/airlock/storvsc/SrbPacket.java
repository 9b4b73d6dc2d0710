package dev.airlock.storvsc;

import dev.airlock.scsi.SrbFlags;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Writes the ring packets of the driver into private memory, field by field as Linux {@code
 * storvsc_drv.c} does ({@code storvsc_queuecommand}, {@code storvsc_do_io}); held against {@code
 * traces/}. Stateless, allocates nothing.
 */
final class SrbPacket {
    /** Size of an in-band packet: descriptor and vstor packet. */
    static final int INBAND_BYTES = PacketDescriptor.BYTES + VstorPacket.BYTES;

    private SrbPacket() {}

    /** Size of the packet of a command whose data touches so many pages, 0 for no data. */
    static int bytes(int pages) {
        return pages == 0 ? INBAND_BYTES : GpaDirectPacket.packetBytes(pages, VstorPacket.BYTES);
    }

    /**
     * Writes the descriptor of a command's packet and, where there is data, the head of its GPA
     * range; the PFNs are left to the mapping.
     *
     * @param pages pages that the data touches, 0 for no data
     * @return offset of the vstor packet from {@code at}
     */
    static int encodeHead(
            MemorySegment packet,
            long at,
            int dataBytes,
            int offsetInPage,
            int pages,
            long transactionId) {
        if (pages > 0) {
            return GpaDirectPacket.encode(
                    packet,
                    at,
                    dataBytes,
                    offsetInPage,
                    pages,
                    VstorPacket.BYTES,
                    PacketDescriptor.FLAG_COMPLETION_REQUESTED,
                    transactionId);
        }
        PacketDescriptor.encode(
                packet,
                at,
                PacketDescriptor.TYPE_DATA_INBAND,
                PacketDescriptor.BYTES,
                INBAND_BYTES,
                PacketDescriptor.FLAG_COMPLETION_REQUESTED,
                transactionId);
        return PacketDescriptor.BYTES;
    }

    /** Writes the EXECUTE_SRB of a command; every one of the 64 bytes is set. */
    static void encodeSrb(MemorySegment packet, long at, ScsiRequest request, int port) {
        clear(packet, at);
        VstorPacket.operation(packet, at, VstorOperation.EXECUTE_SRB);
        VstorPacket.flags(packet, at, VstorPacket.FLAG_REQUEST_COMPLETION);
        VstorSrb.length(packet, at, VstorSrb.BYTES);
        VstorSrb.port(packet, at, port);
        VstorSrb.path(packet, at, request.path());
        VstorSrb.target(packet, at, request.target());
        VstorSrb.lun(packet, at, request.lun());
        VstorSrb.cdbLength(packet, at, request.cdbLength());
        VstorSrb.senseLength(packet, at, VstorSrb.SENSE_BYTES);
        VstorSrb.direction(packet, at, request.direction().vstorCode());
        VstorSrb.dataTransferLength(packet, at, request.dataBytes());
        MemorySegment.copy(request.cdb(), 0, packet, at + VstorSrb.CDB_OFFSET, request.cdbLength());
        int flags = SrbFlags.DISABLE_SYNCH_TRANSFER | request.direction().srbFlags();
        if (request.isTagged()) {
            flags |= SrbFlags.QUEUE_ACTION_ENABLE | SrbFlags.NO_QUEUE_FREEZE;
            VstorSrb.queueTag(packet, at, VstorSrb.QUEUE_TAG_UNTAGGED);
            VstorSrb.queueAction(packet, at, VstorSrb.QUEUE_ACTION_SIMPLE);
        }
        VstorSrb.srbFlags(packet, at, flags);
        VstorSrb.timeoutSeconds(packet, at, ScsiRequest.LINUX_TIMEOUT_SECONDS);
    }

    /**
     * Writes an in-band packet of another operation, its body zero.
     *
     * @return offset of the vstor packet from {@code at}
     */
    static int encodeOperation(MemorySegment packet, long at, int operation, long transactionId) {
        int vstorAt = encodeHead(packet, at, 0, 0, 0, transactionId);
        clear(packet, at + vstorAt);
        VstorPacket.operation(packet, at + vstorAt, operation);
        VstorPacket.flags(packet, at + vstorAt, VstorPacket.FLAG_REQUEST_COMPLETION);
        return vstorAt;
    }

    private static void clear(MemorySegment packet, long at) {
        for (int word = 0; word < VstorPacket.BYTES; word += Long.BYTES) {
            packet.set(ValueLayout.JAVA_LONG_UNALIGNED, at + word, 0L);
        }
    }
}
