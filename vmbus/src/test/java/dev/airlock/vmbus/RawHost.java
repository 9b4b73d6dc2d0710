package dev.airlock.vmbus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.guest.GuestBus;
import dev.airlock.vmbus.message.AllOffersDelivered;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.VersionResponse;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;

/** A host that says whatever it is told to a real guest bus. */
final class RawHost implements AutoCloseable {
    private static final int BARRIER_RELID = 2000;

    final FrameSocket frames;
    private final UnixSocket.Pair pair;

    RawHost() {
        try {
            pair = UnixSocket.pair();
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
        frames = new FrameSocket(pair.right());
    }

    /** The guest's end of the socket. */
    UnixSocket guestEnd() {
        return pair.left();
    }

    static Offer offer(int relid) {
        return Offer.of(Offer.SCSI_INTERFACE, new Guid(relid, 7)).numbered(0, relid, relid);
    }

    /** Agrees on 5.3 and offers one channel, relid 1. */
    void handshake() throws IOException {
        expect(InitiateContact.class);
        send(new VersionResponse(1, 0, 4));
        expect(RequestOffers.class);
        send(new OfferChannel(offer(1)));
        send(new AllOffersDelivered());
    }

    void send(ControlMessage message) throws IOException {
        frames.send(0, message);
    }

    /**
     * The next control message from the guest; memory regions and GPADL bodies before it are
     * skipped.
     */
    <T extends ControlMessage> T expect(Class<T> type) throws IOException {
        while (true) {
            try (ReceivedMessage received = frames.receive(10_000)) {
                assertThat(received.isMessage()).as("waiting for %s", type).isTrue();
                if (frames.kind() != FrameSocket.KIND_MESSAGE) {
                    continue;
                }
                ControlMessage message =
                        requireNonNull(
                                ControlMessage.decode(
                                        frames.frame(),
                                        FrameSocket.PAYLOAD_OFFSET,
                                        frames.payloadBytes()));
                if (!(message instanceof GpadlBody)) {
                    return type.cast(message);
                }
            }
        }
    }

    /** Doorbells, then the open request. */
    OpenChannel expectOpen() throws IOException {
        try (ReceivedMessage doorbells = frames.receive(10_000)) {
            assertThat(frames.kind()).isEqualTo(FrameSocket.KIND_DOORBELLS);
            assertThat(doorbells.fdCount()).isEqualTo(2);
        }
        return expect(OpenChannel.class);
    }

    /**
     * Returns when the guest has handled everything sent before: by an offer that it must release.
     */
    void barrier(GuestBus bus) throws IOException {
        assertThat(bus.isLost()).isFalse();
        send(new OfferChannel(offer(BARRIER_RELID)));
        send(new RescindChannelOffer(BARRIER_RELID));
        ControlMessage answer;
        do {
            answer = expect(ControlMessage.class);
        } while (!answer.equals(new RelidReleased(BARRIER_RELID)));
    }

    /** Hangs up. */
    @Override
    public void close() {
        frames.close();
    }
}
