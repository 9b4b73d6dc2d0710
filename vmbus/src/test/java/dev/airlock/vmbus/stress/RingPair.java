package dev.airlock.vmbus.stress;

import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.RingWriter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The state of one trial: the smallest ring with both its ends. Two of its packets fill it. */
class RingPair {
    static final int BYTES = 2000;
    private static final long ID = 7;
    private static final long LAST_WORD = 42;
    private static final MemorySegment PACKET = packet();

    final RingWriter writer;
    final RingReader reader;

    RingPair() {
        MemorySegment ring =
                MemorySegment.ofArray(new long[RingLayout.MIN_RING_BYTES / Long.BYTES]);
        writer = new RingWriter(ring);
        reader = new RingReader(ring);
    }

    boolean write() {
        return writer.write(PACKET, 0, BYTES);
    }

    /** 0 nothing, 1 a packet as it was written, 2 anything else. */
    int read() {
        MemorySegment copy = MemorySegment.ofArray(new long[BYTES / Long.BYTES]);
        int bytes = reader.read(copy, 0, BYTES);
        if (bytes == 0) {
            return 0;
        }
        return bytes == BYTES
                        && PacketDescriptor.transactionId(copy, 0) == ID
                        && copy.get(ValueLayout.JAVA_LONG, BYTES - Long.BYTES) == LAST_WORD
                ? 1
                : 2;
    }

    private static MemorySegment packet() {
        MemorySegment packet = MemorySegment.ofArray(new long[BYTES / Long.BYTES]);
        PacketDescriptor.encode(packet, 0, PacketDescriptor.TYPE_DATA_INBAND, 16, BYTES, 0, ID);
        packet.set(ValueLayout.JAVA_LONG, BYTES - Long.BYTES, LAST_WORD);
        return packet;
    }
}
