package dev.airlock.vmbus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
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
    private final RawHost host = new RawHost();

    @AfterEach
    void release() {
        host.close();
        host.guestEnd().close();
        memory.close();
    }

    @Test
    void shouldFallBackTo52AndNotWaitForAnswersItDoesNotHave() throws Exception {
        FutureTask<GuestBus> connecting = connecting(LONG);
        assertThat(host.expect(InitiateContact.class).version()).isEqualTo(0x50003);
        host.send(new VersionResponse(0, 0, 0));
        assertThat(host.expect(InitiateContact.class).version()).isEqualTo(0x50002);
        host.send(new VersionResponse(1, 0, 0x99));
        host.expect(RequestOffers.class);
        assertThat(host.frames.argument()).as("where the version response said").isEqualTo(0x99);
        host.send(new OfferChannel(RawHost.offer(1)));
        host.send(new AllOffersDelivered());
        try (GuestBus bus = connecting.get()) {
            assertThat(bus.version()).isEqualTo(VmbusVersion.V5_2);
            GuestChannel channel = open(bus);
            channel.modifyTargetCpu(2);
            assertThat(host.expect(ModifyChannel.class).targetCpu()).isEqualTo(2);
            host.close();
        }
    }

    @Test
    void shouldGiveUpWhenTheHostSpeaksNoVersion() throws Exception {
        FutureTask<GuestBus> connecting = connecting(LONG);
        host.expect(InitiateContact.class);
        // Neither "supported, but in trouble" nor odd booleans count as yes.
        host.send(new VersionResponse(1, 1, 0x99));
        host.expect(InitiateContact.class);
        host.send(new VersionResponse(2, 0, 0x99));
        assertThatThrownBy(connecting::get)
                .hasMessageContaining("host speaks none of our versions: offered=[5.3, 5.2]");
        assertThat(lost.get(5, TimeUnit.SECONDS)).isEqualTo("connect failed");
    }

    @Test
    void shouldFailToConnectAtOnceWhenTheHostHangsUp() throws Exception {
        FutureTask<GuestBus> connecting = connecting(LONG);
        host.expect(InitiateContact.class);
        host.close();
        assertThatThrownBy(connecting::get).hasMessageContaining("host closed the connection");
    }

    @Test
    void shouldTakeOnlySoundOffersAndOnlySoMany() throws Exception {
        FutureTask<GuestBus> connecting = connecting(LONG);
        host.expect(InitiateContact.class);
        host.send(new OfferChannel(RawHost.offer(1)));
        host.send(new VersionResponse(1, 0, 4));
        host.send(new VersionResponse(1, 0, 4));
        host.expect(RequestOffers.class);
        for (int relid : new int[] {0, -1, Offer.MAX_RELID + 1, 5, 5, Integer.MIN_VALUE}) {
            host.send(new OfferChannel(RawHost.offer(relid)));
        }
        for (int relid = 10; relid < 30; relid++) {
            host.send(new OfferChannel(RawHost.offer(relid)));
        }
        host.send(new AllOffersDelivered());
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
            host.frames.socket().send(MemorySegment.ofArray(new byte[3]));
            host.frames
                    .socket()
                    .send(MemorySegment.ofArray(new byte[FrameSocket.MAX_FRAME_BYTES + 8]));
            host.frames.sendDoorbells(1, event.fd(), event.fd());
            host.frames.sendRegion(0, 4096, event.fd(), 0);
            host.frames.socket().send(MemorySegment.ofArray(new byte[8]));
            host.frames.socket().send(MemorySegment.ofArray(new byte[20]));
            host.send(new RequestOffers());
            host.send(new InitiateContact(0x50003, 0, 0, 0, 0));
            host.send(new OpenChannelResult(1, 1, 0));
            host.send(new GpadlCreated(1, 0x1000, 0));
            host.send(new GpadlTorndown(0x1000));
            host.send(new ModifyChannelResponse(1, 0));
            host.send(new UnloadResponse());
            host.send(new AllOffersDelivered());
            host.send(new RescindChannelOffer(7));
            host.send(new RescindChannelOffer(-7));
            host.barrier(bus);
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
            host.send(new OfferChannel(RawHost.offer(2)));
            assertThat(offered.take().relid()).isEqualTo(1);
            Offer second = offered.take();
            host.send(new RescindChannelOffer(2));
            host.send(new RescindChannelOffer(2));
            assertThat(host.expect(RelidReleased.class)).isEqualTo(new RelidReleased(2));
            assertThat(rescinded.take()).isEqualTo(second);
            assertThatThrownBy(() -> bus.open(second, rings(), RING, RING))
                    .isInstanceOf(ChannelOpenException.class)
                    .hasMessageContaining("offer is gone");
            GuestChannel channel = open(bus);
            host.send(new RescindChannelOffer(1));
            assertThat(channel.await(-1)).isTrue();
            assertThat(channel.isRescinded()).isTrue();
            FutureTask<Boolean> closing = start(channel::closeChannel);
            host.expect(CloseChannel.class);
            host.send(new GpadlTorndown(host.expect(GpadlTeardown.class).gpadl()));
            assertThat(host.expect(RelidReleased.class)).isEqualTo(new RelidReleased(1));
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
            GpadlHeader header = host.expect(GpadlHeader.class);
            host.send(new GpadlCreated(1, header.gpadl(), ControlMessage.STATUS_UNSUCCESSFUL));
            host.expect(CloseChannel.class);
            host.send(new GpadlTorndown(host.expect(GpadlTeardown.class).gpadl()));
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
            int gpadl = host.expect(GpadlHeader.class).gpadl();
            // Answers to questions that were not asked: other channel, other GPADL, other open.
            host.send(new GpadlCreated(2, gpadl, 0));
            host.send(new GpadlCreated(1, gpadl + 1, 0));
            host.send(new GpadlCreated(1, gpadl, 0));
            OpenChannel request = host.expectOpen();
            host.send(new OpenChannelResult(1, request.openId() + 1, 0));
            host.send(new OpenChannelResult(3, request.openId(), 0));
            assertThatThrownBy(opening::get)
                    .cause()
                    .isInstanceOf(ChannelOpenException.class)
                    .hasMessageContaining("waitedFor=OPEN_CHANNEL_RESULT")
                    .extracting(e -> ((ChannelOpenException) e).isMemoryReleased())
                    .isEqualTo(false);
            host.send(new OpenChannelResult(1, request.openId(), 0));
            host.barrier(bus);
            assertThat(bus.statistics().get(GuestBusEvent.UNEXPECTED_ANSWER)).isEqualTo(5);
            host.close();
        }
    }

    @Test
    void shouldKnowThatTheBusIsLostAlsoWhereAChannelWasClosedBefore() throws Exception {
        try (GuestBus bus = connect(new GuestBusOptions(1_500, 8))) {
            GuestChannel channel = open(bus);
            assertThat(channel.closeChannel()).as("confirmed").isFalse();
            assertThat(channel.isBusLost()).isFalse();
            host.close();
            lost.get();
            assertThat(channel.isBusLost()).isTrue();
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
                start(() -> GuestBus.connect(host.guestEnd(), memory, LONG, waits));
        host.handshake();
        try (GuestBus connected = connecting.get()) {
            bus.complete(connected);
            host.send(new OfferChannel(RawHost.offer(2)));
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
        host.expect(Unload.class);
        host.send(new UnloadResponse());
        assertThat(closing.get()).isTrue();
        assertThat(lost.get()).isEqualTo("closed by the guest");
        assertThat(channel.isOpen()).isFalse();
        assertThat(channel.closeChannel()).isTrue();
    }

    private FutureTask<GuestBus> connecting(GuestBusOptions options) {
        return start(() -> GuestBus.connect(host.guestEnd(), memory, options, listener));
    }

    private GuestBus connect(GuestBusOptions options) throws Exception {
        FutureTask<GuestBus> connecting = connecting(options);
        host.handshake();
        return connecting.get();
    }

    private GuestChannel open(GuestBus bus) throws Exception {
        Offer offer = bus.offers().getFirst();
        FutureTask<GuestChannel> opening = start(() -> bus.open(offer, rings(), RING, RING));
        GpadlHeader header = host.expect(GpadlHeader.class);
        host.send(new GpadlCreated(offer.relid(), header.gpadl(), 0));
        host.send(new OpenChannelResult(offer.relid(), host.expectOpen().openId(), 0));
        return opening.get();
    }

    private long rings() {
        return memory.visiblePages().allocate(2L * RING, 4096);
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
}
