package dev.airlock.vmbus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.GuestMemory;
import dev.airlock.vmbus.guest.ChannelOpenException;
import dev.airlock.vmbus.guest.GuestBus;
import dev.airlock.vmbus.guest.GuestBusEvent;
import dev.airlock.vmbus.guest.GuestBusListener;
import dev.airlock.vmbus.guest.GuestBusOptions;
import dev.airlock.vmbus.guest.GuestChannel;
import dev.airlock.vmbus.message.AllOffersDelivered;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.message.UnloadResponse;
import dev.airlock.vmbus.message.VersionResponse;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a host may send that no sound host sends, and what the guest makes of it. The test is the
 * host.
 */
@Timeout(30)
class HostileHostTest {
    private static final int RING = RingLayout.MIN_RING_BYTES;
    private static final GuestBusOptions SHORT = new GuestBusOptions(200, 8);
    private static final GuestBusOptions LONG = new GuestBusOptions(20_000, 8);

    private final BlockingQueue<Offer> rescinded = new LinkedBlockingQueue<>();
    private final BlockingQueue<Offer> offered = new LinkedBlockingQueue<>();
    private final CompletableFuture<String> lost = new CompletableFuture<>();
    private final GuestBusListener listener =
            new GuestBusListener() {
                @Override
                public void offered(Offer offer) {
                    offered.add(offer);
                }

                @Override
                public void rescinded(Offer offer, @Nullable GuestChannel channel) {
                    rescinded.add(offer);
                }

                @Override
                public void lost(String reason) {
                    lost.complete(reason);
                }
            };
    private final GuestMemory memory = memory();
    private final UnixSocket.Pair pair = pair();
    private final FrameSocket host = new FrameSocket(pair.right());

    @AfterEach
    void release() {
        pair.close();
        memory.close();
    }

    @Test
    void shouldFallBackTo52AndNotWaitForAnswersItDoesNotHave() throws Exception {
        FutureTask<GuestBus> connecting = connecting(LONG);
        assertThat(expect(InitiateContact.class).version()).isEqualTo(0x50003);
        send(new VersionResponse(0, 0, 0));
        assertThat(expect(InitiateContact.class).version()).isEqualTo(0x50002);
        send(new VersionResponse(1, 0, 0x99));
        expect(RequestOffers.class);
        assertThat(host.argument()).as("where the version response said").isEqualTo(0x99);
        send(new OfferChannel(offer(1)));
        send(new AllOffersDelivered());
        try (GuestBus bus = connecting.get()) {
            assertThat(bus.version()).isEqualTo(VmbusVersion.V5_2);
            GuestChannel channel = open(bus);
            channel.modifyTargetCpu(2);
            assertThat(expect(ModifyChannel.class).targetCpu()).isEqualTo(2);
            host.close();
        }
    }

    @Test
    void shouldGiveUpWhenTheHostSpeaksNoVersion() throws Exception {
        FutureTask<GuestBus> connecting = connecting(LONG);
        expect(InitiateContact.class);
        // Neither "supported, but in trouble" nor odd booleans count as yes.
        send(new VersionResponse(1, 1, 0x99));
        expect(InitiateContact.class);
        send(new VersionResponse(2, 0, 0x99));
        assertThatThrownBy(connecting::get)
                .hasMessageContaining("host speaks none of our versions: offered=[5.3, 5.2]");
        assertThat(lost.get(5, TimeUnit.SECONDS)).isEqualTo("connect failed");
    }

    @Test
    void shouldFailToConnectAtOnceWhenTheHostHangsUp() throws Exception {
        FutureTask<GuestBus> connecting = connecting(LONG);
        expect(InitiateContact.class);
        host.close();
        assertThatThrownBy(connecting::get).hasMessageContaining("host closed the connection");
    }

    @Test
    void shouldTakeOnlySoundOffersAndOnlySoMany() throws Exception {
        FutureTask<GuestBus> connecting = connecting(LONG);
        expect(InitiateContact.class);
        send(new OfferChannel(offer(1)));
        send(new VersionResponse(1, 0, 4));
        send(new VersionResponse(1, 0, 4));
        expect(RequestOffers.class);
        for (int relid : new int[] {0, -1, Offer.MAX_RELID + 1, 5, 5, Integer.MIN_VALUE}) {
            send(new OfferChannel(offer(relid)));
        }
        for (int relid = 10; relid < 30; relid++) {
            send(new OfferChannel(offer(relid)));
        }
        send(new AllOffersDelivered());
        try (GuestBus bus = connecting.get()) {
            assertThat(bus.offers()).hasSize(8);
            assertThat(offered).hasSize(8);
            assertThat(bus.statistics().get(GuestBusEvent.BAD_OFFER)).isEqualTo(6);
            assertThat(bus.statistics().get(GuestBusEvent.OFFER_DROPPED)).isEqualTo(13);
            assertThat(bus.statistics().get(GuestBusEvent.UNEXPECTED_ANSWER)).isEqualTo(1);
            host.close();
        }
    }

    @Test
    void shouldDropFramesMessagesAndAnswersThatNobodyAskedFor() throws Exception {
        try (GuestBus bus = connect(LONG);
                EventFd event = EventFd.create()) {
            host.socket().send(MemorySegment.ofArray(new byte[3]));
            host.socket().send(MemorySegment.ofArray(new byte[FrameSocket.MAX_FRAME_BYTES + 8]));
            host.sendDoorbells(1, event.fd(), event.fd());
            host.sendRegion(0, 4096, event.fd(), 0);
            host.socket().send(MemorySegment.ofArray(new byte[8]));
            host.socket().send(MemorySegment.ofArray(new byte[20]));
            send(new RequestOffers());
            send(new InitiateContact(0x50003, 0, 0, 0, 0));
            send(new OpenChannelResult(1, 1, 0));
            send(new GpadlCreated(1, 0x1000, 0));
            send(new GpadlTorndown(0x1000));
            send(new ModifyChannelResponse(1, 0));
            send(new UnloadResponse());
            send(new AllOffersDelivered());
            send(new RescindChannelOffer(7));
            send(new RescindChannelOffer(-7));
            barrier(bus);
            assertThat(bus.statistics().get(GuestBusEvent.MALFORMED_FRAME)).isEqualTo(4);
            assertThat(bus.statistics().get(GuestBusEvent.MALFORMED_MESSAGE)).isEqualTo(2);
            assertThat(bus.statistics().get(GuestBusEvent.MISDIRECTED_MESSAGE)).isEqualTo(2);
            assertThat(bus.statistics().get(GuestBusEvent.UNEXPECTED_ANSWER)).isEqualTo(6);
            assertThat(bus.statistics().get(GuestBusEvent.BAD_RESCIND)).isEqualTo(2);
            assertThat(bus.isLost()).isFalse();
            host.close();
        }
    }

    @Test
    void shouldReleaseARescindedChannelAtOnceUnlessItIsOpen() throws Exception {
        try (GuestBus bus = connect(LONG)) {
            send(new OfferChannel(offer(2)));
            assertThat(offered.take().relid()).isEqualTo(1);
            Offer second = offered.take();
            send(new RescindChannelOffer(2));
            send(new RescindChannelOffer(2));
            assertThat(expect(RelidReleased.class)).isEqualTo(new RelidReleased(2));
            assertThat(rescinded.take()).isEqualTo(second);
            assertThatThrownBy(() -> bus.open(second, rings(), RING, RING))
                    .isInstanceOf(ChannelOpenException.class)
                    .hasMessageContaining("offer is gone");
            GuestChannel channel = open(bus);
            send(new RescindChannelOffer(1));
            assertThat(channel.await(-1)).isTrue();
            assertThat(channel.isRescinded()).isTrue();
            FutureTask<Boolean> closing = start(channel::closeChannel);
            expect(CloseChannel.class);
            send(new GpadlTorndown(expect(GpadlTeardown.class).gpadl()));
            assertThat(expect(RelidReleased.class)).isEqualTo(new RelidReleased(1));
            assertThat(closing.get()).isTrue();
            assertThat(bus.statistics().get(GuestBusEvent.BAD_RESCIND)).isEqualTo(1);
            host.close();
        }
    }

    @Test
    void shouldSayWhetherTheRingMemoryIsFreeWhenAnOpenFails() throws Exception {
        try (GuestBus bus = connect(LONG)) {
            long rings = rings();
            Offer offer = bus.offers().getFirst();
            FutureTask<GuestChannel> opening = start(() -> bus.open(offer, rings, RING, RING));
            GpadlHeader header = expect(GpadlHeader.class);
            send(new GpadlCreated(1, header.gpadl(), ControlMessage.STATUS_UNSUCCESSFUL));
            expect(CloseChannel.class);
            send(new GpadlTorndown(expect(GpadlTeardown.class).gpadl()));
            assertThatThrownBy(opening::get)
                    .cause()
                    .isInstanceOf(ChannelOpenException.class)
                    .hasMessageContaining("relid=1")
                    .hasMessageContaining("request=GPADL status=0xc0000001")
                    .extracting(e -> ((ChannelOpenException) e).isMemoryReleased())
                    .isEqualTo(true);
            assertThat(open(bus).isOpen()).as("it can be tried again").isTrue();
            host.close();
        }
    }

    @Test
    void shouldNotHandOutMemoryThatASilentHostMayStillUse() throws Exception {
        try (GuestBus bus = connect(SHORT)) {
            Offer offer = bus.offers().getFirst();
            long rings = rings();
            FutureTask<GuestChannel> opening = start(() -> bus.open(offer, rings, RING, RING));
            int gpadl = expect(GpadlHeader.class).gpadl();
            // Answers to questions that were not asked: other channel, other GPADL, other open.
            send(new GpadlCreated(2, gpadl, 0));
            send(new GpadlCreated(1, gpadl + 1, 0));
            send(new GpadlCreated(1, gpadl, 0));
            OpenChannel request = expectOpen();
            send(new OpenChannelResult(1, request.openId() + 1, 0));
            send(new OpenChannelResult(3, request.openId(), 0));
            assertThatThrownBy(opening::get)
                    .cause()
                    .isInstanceOf(ChannelOpenException.class)
                    .hasMessageContaining("waitedFor=OPEN_CHANNEL_RESULT")
                    .extracting(e -> ((ChannelOpenException) e).isMemoryReleased())
                    .isEqualTo(false);
            send(new OpenChannelResult(1, request.openId(), 0));
            barrier(bus);
            assertThat(bus.statistics().get(GuestBusEvent.UNEXPECTED_ANSWER)).isEqualTo(5);
            host.close();
        }
    }

    @Test
    void shouldNotLetAListenerWaitForTheHost() throws Exception {
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        CompletableFuture<GuestBus> bus = new CompletableFuture<>();
        GuestBusListener waits =
                new GuestBusListener() {
                    @Override
                    public void offered(Offer offer) {
                        try {
                            if (bus.isDone()) {
                                bus.join().open(offer, rings(), RING, RING);
                            }
                        } catch (IOException | IllegalStateException e) {
                            thrown.complete(e);
                        }
                    }
                };
        FutureTask<GuestBus> connecting =
                start(() -> GuestBus.connect(pair.left(), memory, LONG, waits));
        handshake();
        try (GuestBus connected = connecting.get()) {
            bus.complete(connected);
            send(new OfferChannel(offer(2)));
            assertThat(thrown.get(10, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
            host.close();
        }
    }

    @Test
    void shouldUnloadInGoodOrderOnClose() throws Exception {
        GuestBus bus = connect(LONG);
        GuestChannel channel = open(bus);
        FutureTask<Boolean> closing =
                start(() -> {
                    bus.close();
                    return true;
                });
        expect(Unload.class);
        send(new UnloadResponse());
        assertThat(closing.get()).isTrue();
        assertThat(lost.get()).isEqualTo("closed by the guest");
        assertThat(channel.isOpen()).isFalse();
        assertThat(channel.closeChannel()).isTrue();
    }

    private FutureTask<GuestBus> connecting(GuestBusOptions options) {
        return start(() -> GuestBus.connect(pair.left(), memory, options, listener));
    }

    private GuestBus connect(GuestBusOptions options) throws Exception {
        FutureTask<GuestBus> connecting = connecting(options);
        handshake();
        return connecting.get();
    }

    private void handshake() throws IOException {
        expect(InitiateContact.class);
        send(new VersionResponse(1, 0, 4));
        expect(RequestOffers.class);
        send(new OfferChannel(offer(1)));
        send(new AllOffersDelivered());
    }

    private GuestChannel open(GuestBus bus) throws Exception {
        Offer offer = bus.offers().getFirst();
        FutureTask<GuestChannel> opening = start(() -> bus.open(offer, rings(), RING, RING));
        GpadlHeader header = expect(GpadlHeader.class);
        send(new GpadlCreated(offer.relid(), header.gpadl(), 0));
        send(new OpenChannelResult(offer.relid(), expectOpen().openId(), 0));
        return opening.get();
    }

    private OpenChannel expectOpen() throws IOException {
        try (ReceivedMessage doorbells = host.receive(10_000)) {
            assertThat(host.kind()).isEqualTo(FrameSocket.KIND_DOORBELLS);
            assertThat(doorbells.fdCount()).isEqualTo(2);
        }
        return expect(OpenChannel.class);
    }

    /** Returns when the guest has handled everything sent before: by an offer it must release. */
    private void barrier(GuestBus bus) throws IOException {
        assertThat(bus.isLost()).isFalse();
        send(new OfferChannel(offer(2000)));
        send(new RescindChannelOffer(2000));
        ControlMessage answer;
        do {
            answer = expect(ControlMessage.class);
        } while (!answer.equals(new RelidReleased(2000)));
    }

    private void send(ControlMessage message) throws IOException {
        host.send(0, message);
    }

    /**
     * The next control message from the guest; memory regions and GPADL bodies before it are
     * skipped.
     */
    private <T extends ControlMessage> T expect(Class<T> type) throws IOException {
        while (true) {
            try (ReceivedMessage received = host.receive(10_000)) {
                assertThat(received.isMessage()).as("waiting for %s", type).isTrue();
                ControlMessage message =
                        host.kind() == FrameSocket.KIND_MESSAGE
                                ? requireNonNull(
                                        ControlMessage.decode(
                                                host.frame(),
                                                FrameSocket.PAYLOAD_OFFSET,
                                                host.payloadBytes()))
                                : null;
                if (message != null && !(message instanceof GpadlBody)) {
                    return type.cast(message);
                }
            }
        }
    }

    private long rings() {
        return memory.visiblePages().allocate(2L * RING, 4096);
    }

    private static Offer offer(int relid) {
        return Offer.of(Offer.SCSI_INTERFACE, new Guid(relid, 7)).numbered(0, relid, relid);
    }

    private static <T> FutureTask<T> start(Callable<T> body) {
        FutureTask<T> task = new FutureTask<>(body);
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    private static GuestMemory memory() {
        try {
            return GuestMemory.isolated(1 << 20, 1 << 20);
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }

    private static UnixSocket.Pair pair() {
        try {
            return UnixSocket.pair();
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }
}
