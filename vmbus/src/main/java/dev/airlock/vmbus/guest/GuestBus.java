package dev.airlock.vmbus.guest;

import dev.airlock.linux.Errno;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.SharedRegion;
import dev.airlock.vmbus.EventCounts;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.VmbusVersion;
import dev.airlock.vmbus.guest.Answers.Key;
import dev.airlock.vmbus.message.AllOffersDelivered;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.MessageType;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.TlConnectResult;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.message.UnloadResponse;
import dev.airlock.vmbus.message.VersionResponse;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The guest's end of VMBus: one connection to a host. A thread of its own reads what the host
 * sends.
 *
 * <p>The host is suspect: what it sends is checked, matched with what was asked, bounded ({@link
 * GuestBusOptions}) and counted ({@link #statistics}); a wrong message is dropped. When the
 * connection ends everybody is woken at once: waiting calls fail, channels report closed, the
 * listener is told.
 *
 * <p>Thread-safe. Owns the socket; the memory is the caller's and must outlive the bus.
 */
public final class GuestBus implements AutoCloseable {
    /** Linux {@code VMBUS_MESSAGE_CONNECTION_ID_4}: where contact is made since 5.0. */
    private static final int CONTACT_CONNECTION_ID = 4;

    private static final List<VmbusVersion> PREFERENCE =
            List.of(VmbusVersion.V5_3, VmbusVersion.V5_2);

    private final FrameSocket frames;
    private final GuestBusOptions options;
    private final GuestBusListener listener;
    private final EventCounts<GuestBusEvent> statistics = new EventCounts<>(GuestBusEvent.class);
    private final Answers answers = new Answers();
    private final OfferTable offers;
    private final ChannelSetup setup;
    private final Thread reader;
    private volatile @Nullable VmbusVersion version;
    private volatile int messageConnectionId = CONTACT_CONNECTION_ID;
    private volatile boolean unloaded;
    private volatile boolean lost;
    private volatile @Nullable String closeReason;

    private GuestBus(
            UnixSocket socket,
            GuestMemory memory,
            GuestBusOptions options,
            GuestBusListener listener) {
        this.frames = new FrameSocket(socket);
        this.options = options;
        this.listener = listener;
        this.offers = new OfferTable(options.offersMax());
        this.setup = new ChannelSetup(this, memory, offers);
        this.reader = Thread.ofPlatform().daemon().name("vmbus-guest").unstarted(this::read);
    }

    /**
     * Hands the guest's visible memory to the host, agrees on a version (5.3, else 5.2), and waits
     * for the host's first offers.
     *
     * @param socket connected to the host; owned from now on, also when this throws
     * @throws IOException when the host speaks neither version, does not answer or goes away
     */
    public static GuestBus connect(
            UnixSocket socket,
            GuestMemory memory,
            GuestBusOptions options,
            GuestBusListener listener)
            throws IOException {
        GuestBus bus = new GuestBus(socket, memory, options, listener);
        try {
            bus.reader.start();
            for (SharedRegion region : memory.sharedRegions()) {
                bus.frames.sendRegion(
                        region.gpa(), region.bytes(), region.memfd(), region.offset());
            }
            bus.negotiate();
            bus.ask(MessageType.ALL_OFFERS_DELIVERED, 0, 0, () -> bus.post(new RequestOffers()));
            return bus;
        } catch (IOException | RuntimeException e) {
            bus.end("connect failed");
            throw e;
        }
    }

    /** What is spoken with the host. */
    public VmbusVersion version() {
        VmbusVersion v = version;
        if (v == null) {
            throw new IllegalStateException("not connected");
        }
        return v;
    }

    /** The channels on offer now, open ones included, by relid. */
    public List<Offer> offers() {
        return offers.offers();
    }

    /** Counts of what the host did. */
    public EventCounts<GuestBusEvent> statistics() {
        return statistics;
    }

    /** True once the connection has ended, by either side. */
    public boolean isLost() {
        return lost;
    }

    /**
     * Opens a channel.
     *
     * @param offer from {@link #offers} or the listener
     * @param ringGpa where the rings are: page aligned and visible to the host; the guest-to-host
     *     ring, then the other. Their control words are zeroed here. The memory stays the caller's,
     *     who may use it for something else only after {@link GuestChannel#closeChannel} returned
     *     true, or when the exception of this method says so.
     * @param outBytes size of the guest-to-host ring, whole pages, at least two
     * @param inBytes size of the other
     * @param targetCpu whom the host should interrupt
     * @throws ChannelOpenException when the host refuses or does not answer, or the offer is gone
     *     or open already
     */
    public GuestChannel open(Offer offer, long ringGpa, int outBytes, int inBytes, int targetCpu)
            throws ChannelOpenException {
        return setup.open(offer, ringGpa, outBytes, inBytes, targetCpu);
    }

    /** As above, interrupting CPU 0. */
    public GuestChannel open(Offer offer, long ringGpa, int outBytes, int inBytes)
            throws ChannelOpenException {
        return open(offer, ringGpa, outBytes, inBytes, 0);
    }

    /**
     * Ends the connection in good order: the host lets go of everything, every channel reports
     * closed, and the bus is of no more use but to be closed.
     *
     * @throws IOException when the host does not confirm it
     */
    public void unload() throws IOException {
        ask(MessageType.UNLOAD_RESPONSE, 0, 0, () -> post(new Unload()));
        unloaded = true;
        offers.channels().forEach(GuestChannel::markBusLost);
    }

    /**
     * Unloads if the host still answers, and closes the socket. Channels report closed, waiting
     * calls fail. Idempotent.
     */
    @Override
    public void close() {
        if (!lost && !unloaded && closeReason == null) {
            try {
                unload();
            } catch (IOException e) {
                // The host has gone or does not care: closing the socket tells it all the same.
            }
        }
        end("closed by the guest");
    }

    // What ChannelSetup and GuestChannel use.

    void post(ControlMessage message) throws IOException {
        frames.send(messageConnectionId, message);
    }

    FrameSocket frames() {
        return frames;
    }

    ChannelSetup setup() {
        return setup;
    }

    /** Whether the host confirmed that it uses nothing of this guest any more. */
    boolean isUnloaded() {
        return unloaded;
    }

    /** Sends something and waits for the answer of this type with these ids. */
    ControlMessage ask(MessageType answer, int id, int id2, Answers.Request request)
            throws IOException {
        if (Thread.currentThread() == reader) {
            throw new IllegalStateException(
                    "a listener must not wait for the host: waitedFor=" + answer);
        }
        return answers.await(new Key(answer, id, id2), options.answerTimeoutMs(), request);
    }

    private void negotiate() throws IOException {
        for (VmbusVersion wanted : PREFERENCE) {
            InitiateContact contact =
                    new InitiateContact(wanted.number(), 0, InitiateContact.SINT2_VTL0, 0, 0);
            ControlMessage answer =
                    ask(
                            MessageType.VERSION_RESPONSE,
                            0,
                            0,
                            () -> frames.send(CONTACT_CONNECTION_ID, contact));
            if (answer instanceof VersionResponse r
                    && r.supported() == 1
                    && r.connectionState() == VersionResponse.SUCCESSFUL) {
                messageConnectionId = r.messageConnectionId();
                version = wanted;
                return;
            }
        }
        throw new IOException("host speaks none of our versions: offered=" + PREFERENCE);
    }

    private void read() {
        String reason = "listener failed";
        try {
            reason = readUntilEnd();
        } catch (IOException e) {
            reason = String.valueOf(e.getMessage());
        } finally {
            lose(reason);
        }
    }

    private String readUntilEnd() throws IOException {
        while (true) {
            try (ReceivedMessage received = frames.receive(-1)) {
                if (received.isClosed()) {
                    String ours = closeReason;
                    return ours != null ? ours : "host closed the connection";
                }
                handle(received);
            } catch (LinuxException e) {
                if (e.errno() != Errno.EMSGSIZE) {
                    throw e;
                }
                statistics.count(GuestBusEvent.MALFORMED_FRAME);
            }
        }
    }

    private void handle(ReceivedMessage received) throws IOException {
        if (frames.kind() != FrameSocket.KIND_MESSAGE || received.fdCount() != 0) {
            statistics.count(GuestBusEvent.MALFORMED_FRAME);
            return;
        }
        ControlMessage message =
                ControlMessage.decode(
                        frames.frame(), FrameSocket.PAYLOAD_OFFSET, frames.payloadBytes());
        if (message == null) {
            statistics.count(GuestBusEvent.MALFORMED_MESSAGE);
            return;
        }
        statistics.count(GuestBusEvent.MESSAGE);
        MessageType type = message.type();
        switch (message) {
            case OfferChannel m -> offered(m.offer());
            case RescindChannelOffer m -> rescinded(m.relid());
            case VersionResponse m -> answer(type, 0, 0, m);
            case AllOffersDelivered m -> answer(type, 0, 0, m);
            case UnloadResponse m -> answer(type, 0, 0, m);
            case GpadlCreated m -> answer(type, m.relid(), m.gpadl(), m);
            case GpadlTorndown m -> answer(type, m.gpadl(), 0, m);
            case OpenChannelResult m -> answer(type, m.relid(), m.openId(), m);
            case ModifyChannelResponse m -> answer(type, m.relid(), 0, m);
            case TlConnectResult m -> answer(type, 0, 0, m);
            default -> statistics.count(GuestBusEvent.MISDIRECTED_MESSAGE);
        }
    }

    private void answer(MessageType type, int id, int id2, ControlMessage message) {
        if (!answers.give(new Key(type, id, id2), message)) {
            statistics.count(GuestBusEvent.UNEXPECTED_ANSWER);
        }
    }

    private void offered(Offer offer) {
        if (version == null || unloaded) {
            statistics.count(GuestBusEvent.BAD_OFFER);
            return;
        }
        switch (offers.add(offer)) {
            case YES -> {
                statistics.count(GuestBusEvent.OFFER);
                listener.offered(offer);
            }
            case BAD -> statistics.count(GuestBusEvent.BAD_OFFER);
            case TOO_MANY -> statistics.count(GuestBusEvent.OFFER_DROPPED);
        }
    }

    private void rescinded(int relid) throws IOException {
        OfferTable.Rescinded found = offers.rescind(relid);
        if (found == null) {
            statistics.count(GuestBusEvent.BAD_RESCIND);
            return;
        }
        statistics.count(GuestBusEvent.RESCIND);
        if (found.released()) {
            post(new RelidReleased(relid));
        }
        listener.rescinded(found.offer(), found.channel());
    }

    /** Wakes everybody. On the reader's thread, once. */
    private void lose(String reason) {
        lost = true;
        frames.shutdown();
        answers.lose(reason);
        offers.channels().forEach(GuestChannel::markBusLost);
        listener.lost(reason);
    }

    private void end(String reason) {
        if (closeReason == null) {
            closeReason = reason;
        }
        frames.shutdown();
        boolean interrupted = false;
        while (Thread.currentThread() != reader && reader.isAlive()) {
            try {
                reader.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        frames.close();
    }
}
