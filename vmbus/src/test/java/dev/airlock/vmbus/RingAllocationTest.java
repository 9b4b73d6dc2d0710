package dev.airlock.vmbus;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.testkit.Allocation;
import dev.airlock.vmbus.loopback.Loopback;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/**
 * Requests and completions cost no garbage: packets, both signalling decisions, doorbells,
 * sleeping.
 */
class RingAllocationTest {
    private static final int RING = 64 << 10;
    private static final int COMPLETION_BYTES = 80;

    private final MemorySegment packet = Arena.ofAuto().allocate(8192, 8);
    private long nextId;

    @Test
    void shouldAllocateNothingPerRequest() throws LinuxException {
        try (Mapping rings = Mapping.anonymous(2 * RING);
                HostMemory none = new HostMemory(HostMemoryLimits.DEFAULT);
                Loopback loop =
                        new Loopback(
                                Offer.of(Offer.SCSI_INTERFACE, new Guid(1, 1)),
                                rings.segment(),
                                RING,
                                none,
                                true)) {
            Allocation.assertNone(() -> request(loop));
        }
    }

    private void request(Loopback loop) throws LinuxException {
        long id = nextId++;
        int bytes = GpaDirectPacket.packetBytes(1, 52);
        GpaDirectPacket.encode(packet, 0, 4096, 0, 1, 52, 1, id);
        GpaDirectPacket.putPfn(packet, 0, 0, id);
        require(loop.guest().out().write(packet, 0, bytes));
        require(loop.guest().out().publish() == RingWriter.SIGNAL);
        loop.guest().signalHost();
        require(loop.host().awaitGuest(-1));
        take(loop.host().in(), bytes);
        PacketDescriptor.encode(
                packet, 0, PacketDescriptor.TYPE_COMPLETION, 16, COMPLETION_BYTES, 0, id);
        require(loop.host().out().write(packet, 0, COMPLETION_BYTES));
        require(loop.host().out().awaitRoom(4096) == (RingWriter.SIGNAL | RingWriter.ROOM));
        loop.host().signalGuest();
        require(loop.guest().await(-1));
        take(loop.guest().in(), COMPLETION_BYTES);
    }

    private void take(RingReader in, int bytes) {
        in.maskInterrupts();
        require(in.read(packet, 0, 8192) == bytes);
        require(!in.consumed());
        require(!in.unmaskInterrupts());
    }

    /** AssertJ's objects would be counted. */
    private static void require(boolean condition) {
        if (!condition) {
            throw new AssertionError();
        }
    }
}
