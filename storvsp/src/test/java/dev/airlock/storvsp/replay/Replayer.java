package dev.airlock.storvsp.replay;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.memory.HvPage;
import dev.airlock.memory.SharedRegion;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.VmbusVersion;
import dev.airlock.vmbus.message.AllOffersDelivered;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.VersionResponse;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Plays the guest of a recording to a host: the same control messages and packets, from the same
 * pages. It supplies what the recording lacks: contact, memory, doorbells.
 */
final class Replayer implements AutoCloseable {
    private static final int CONTACT_CONNECTION_ID = 4;
    private static final long ANSWER_TIMEOUT_MS = 15_000;
    private static final int PACKET_BYTES_MAX = 64 << 10;

    private final FrameSocket frames;
    private final GuestMemory memory;
    private final HostMemory view = new HostMemory(HostMemoryLimits.DEFAULT);
    private final Mapping rings;
    private final EventFd toHost = EventFd.create();
    private final EventFd toGuest = EventFd.create();
    private final MemorySegment received = Arena.ofAuto().allocate(PACKET_BYTES_MAX, 8);
    private final int messageConnectionId;
    private RingWriter out;
    private RingReader in;

    /** Connects, and backs every page that the recording names. */
    Replayer(UnixSocket socket, Recording recording) throws IOException {
        frames = new FrameSocket(socket);
        // Sparse: only pages that are touched take memory.
        memory = GuestMemory.shared((recording.highestPfn() + 1) << HvPage.SHIFT);
        SharedRegion all = memory.sharedRegions().getFirst();
        view.addRegion(all.gpa(), all.bytes(), all.memfd(), all.offset());
        rings = view.mapPages(recording.ringPfns());
        setRings(rings.segment().byteSize() / 2);
        frames.sendRegion(all.gpa(), all.bytes(), all.memfd(), all.offset());
        frames.send(
                CONTACT_CONNECTION_ID,
                new InitiateContact(
                        VmbusVersion.V5_3.number(), 0, InitiateContact.SINT2_VTL0, 0, 0));
        VersionResponse response = (VersionResponse) receiveMessage();
        messageConnectionId = response.messageConnectionId();
    }

    /** Posts a recorded message; before an open, hands over doorbells and clears the rings. */
    void post(ControlMessage message) throws IOException {
        if (message instanceof OpenChannel open) {
            setRings((long) open.downstreamPageOffset() << HvPage.SHIFT);
            frames.sendDoorbells(open.relid(), toHost.fd(), toGuest.fd());
        }
        frames.send(messageConnectionId, message);
    }

    /** The host's next message, but for the end of the offers, which recordings lack. */
    ControlMessage receiveMessage() throws IOException {
        while (true) {
            try (ReceivedMessage frame = frames.receive(ANSWER_TIMEOUT_MS)) {
                if (!frame.isMessage()) {
                    throw new AssertionError("the host does not answer");
                }
                ControlMessage message =
                        ControlMessage.decode(
                                frames.frame(), FrameSocket.PAYLOAD_OFFSET, frames.payloadBytes());
                if (!(message instanceof AllOffersDelivered)) {
                    return Objects.requireNonNull(message);
                }
            }
        }
    }

    void send(MemorySegment packet) {
        if (!out.write(packet, 0, (int) packet.byteSize())) {
            throw new AssertionError("ring full: recorded guests never had it so");
        }
        if ((out.publish() & RingWriter.SIGNAL) != 0) {
            toHost.signal();
        }
    }

    /** The host's next packet, descriptor and payload. */
    MemorySegment receive() throws IOException {
        while (true) {
            int bytes = in.read(received, 0, PACKET_BYTES_MAX);
            if (bytes < 0) {
                throw new AssertionError(in.describeFault());
            }
            if (bytes > 0) {
                if (in.consumed()) {
                    toHost.signal();
                }
                return received.asSlice(0, PacketDescriptor.packetBytes(received, 0));
            }
            if (!in.unmaskInterrupts() && !toGuest.await(ANSWER_TIMEOUT_MS)) {
                throw new AssertionError("the host does not answer");
            }
        }
    }

    /** Copies into the pages of a GPA range. */
    void fill(long[] pfns, int inPage, byte[] from) {
        for (int done = 0, page = 0; done < from.length; page++) {
            int offset = page == 0 ? inPage : 0;
            int part = Math.min(HvPage.SIZE - offset, from.length - done);
            MemorySegment.copy(
                    MemorySegment.ofArray(from),
                    done,
                    memory.bytes(),
                    (pfns[page] << HvPage.SHIFT) + offset,
                    part);
            done += part;
        }
    }

    /** Copies out of the pages of a GPA range. */
    byte[] fetch(long[] pfns, int inPage, int bytes) {
        byte[] into = new byte[bytes];
        for (int done = 0, page = 0; done < bytes; page++) {
            int offset = page == 0 ? inPage : 0;
            int part = Math.min(HvPage.SIZE - offset, bytes - done);
            MemorySegment.copy(
                    memory.bytes(),
                    (pfns[page] << HvPage.SHIFT) + offset,
                    MemorySegment.ofArray(into),
                    done,
                    part);
            done += part;
        }
        return into;
    }

    @Override
    public void close() {
        frames.close();
        toHost.close();
        toGuest.close();
        rings.close();
        view.close();
        memory.close();
    }

    private void setRings(long outBytes) {
        MemorySegment both = rings.segment();
        MemorySegment guestToHost = both.asSlice(0, outBytes);
        MemorySegment hostToGuest = both.asSlice(outBytes);
        RingLayout.initialize(guestToHost);
        RingLayout.initialize(hostToGuest);
        out = new RingWriter(guestToHost);
        in = new RingReader(hostToGuest);
    }
}
