package dev.airlock.storvsc;

import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Takes packets off a channel's inbound ring, one at a time, and says what each is: the answer to a
 * command, the answer to another operation, a message of the host's own accord, or nothing that has
 * a place here, which is counted and dropped. Owned by whoever polls.
 */
final class InboundPackets {
    /** Room for one packet; the host's are 80 bytes (descriptor and vstor packet). */
    private static final int PACKET_BYTES = 512;

    private final int channel;
    private final RingReader in;
    private final CommandEnd commandEnd;
    private final ChannelEvents events;
    private final ChannelCounters counters;
    private final MemorySegment packet = Arena.ofAuto().allocate(PACKET_BYTES, Long.BYTES);

    InboundPackets(
            int channel,
            RingReader in,
            CommandEnd commandEnd,
            ChannelEvents events,
            ChannelCounters counters) {
        this.channel = channel;
        this.in = in;
        this.commandEnd = commandEnd;
        this.events = events;
        this.counters = counters;
    }

    /**
     * Copies the next packet out of the ring and acts on it.
     *
     * @return 1, or 0 when there is none, or {@link RingReader#CORRUPT}
     */
    int takeNext() {
        int bytes = in.read(packet, 0, PACKET_BYTES);
        if (bytes <= 0) {
            return bytes;
        }
        long header = PacketDescriptor.header(packet, 0);
        long id = PacketDescriptor.transactionId(packet, 0);
        int at = PacketDescriptor.dataOffset(header);
        int payloadBytes = bytes - at;
        if (id == TransactionId.UNSOLICITED) {
            unsolicited(at, payloadBytes);
        } else if (payloadBytes < VstorPacket.BYTES) {
            counters.shortPackets.increment();
        } else if (PacketDescriptor.type(header) != PacketDescriptor.TYPE_COMPLETION
                || VstorPacket.operation(packet, at) != VstorOperation.COMPLETE_IO) {
            counters.malformedPackets.increment();
        } else if (TransactionId.isOperation(id)) {
            events.operationAnswered(id, packet, at);
        } else {
            commandEnd.answered(id, channel, packet, at);
        }
        return 1;
    }

    private void unsolicited(int at, int payloadBytes) {
        if (payloadBytes < VstorPacket.OPERATION_OFFSET + Integer.BYTES) {
            counters.shortPackets.increment();
            return;
        }
        int operation = VstorPacket.operation(packet, at);
        if (operation == VstorOperation.ENUMERATE_BUS
                || operation == VstorOperation.REMOVE_DEVICE) {
            counters.unsolicited.increment();
            events.unsolicited(operation);
        } else {
            counters.malformedPackets.increment();
        }
    }
}
