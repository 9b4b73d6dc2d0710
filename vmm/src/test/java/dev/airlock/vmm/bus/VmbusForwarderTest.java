package dev.airlock.vmm.bus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.UserData;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostDevice;
import dev.airlock.vmbus.host.HostLimits;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.MessageType;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmm.hyperv.Hypercalls;
import dev.airlock.vmm.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A guest of which only the SynIC's end exists, and a real bus at the host's. */
class VmbusForwarderTest {
    private static final long RINGS_PFN = 64;
    private static final int GPADL = 0xE1E10;

    private final MachineMemory memory;
    private final BlockingQueue<ControlMessage> received = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> signals = new LinkedBlockingQueue<>();
    private final BlockingQueue<HostChannel> opened = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> lost = new LinkedBlockingQueue<>();
    private final List<String> connected = new CopyOnWriteArrayList<>();
    private final HostBus host;
    private final Thread hostThread;
    private final VmbusForwarder bus;

    VmbusForwarderTest() throws IOException {
        memory = MachineMemory.unattached(1L << 20, 38);
        UnixSocket.Pair pair = UnixSocket.pair();
        host = new HostBus(pair.left(), HostLimits.DEFAULT, List.of(new Device()), line -> {});
        hostThread = Thread.ofPlatform().start(host::serve);
        bus = VmbusForwarder.start(pair.right(), memory, new Guest(), lost::add);
    }

    private final class Guest implements VmbusForwarder.GuestEnd {
        @Override
        public boolean post(int cpu, int sint, byte[] message) {
            ControlMessage decoded =
                    ControlMessage.decode(MemorySegment.ofArray(message), 0, message.length);
            return decoded != null && cpu == 1 && sint == 2 && received.add(decoded);
        }

        @Override
        public void signal(int cpu, int sint, int flag) {
            signals.add("cpu " + cpu + " flag " + flag);
        }

        @Override
        public void connect(int connectionId, EventFd doorbell, boolean connect) {
            connected.add((connect ? "+" : "-") + connectionId);
        }
    }

    private final class Device implements HostDevice {
        @Override
        public Offer offer() {
            return Offer.of(
                    Offer.SCSI_INTERFACE, Guid.parse("11111111-2222-3333-4444-555555555555"));
        }

        @Override
        public void opened(HostChannel channel) {
            opened.add(channel);
        }

        @Override
        public void closed(HostChannel channel) {}
    }

    @AfterEach
    void close() throws InterruptedException {
        bus.close();
        host.close();
        hostThread.join();
        memory.close();
    }

    @Test
    void shouldCarryAChannelsLifeThrough() throws Exception {
        Offer offer = contact();
        HostChannel channel = open(offer);
        assertThat(connected).containsExactly("+" + offer.connectionId());

        assertThat(bus.signal(offer.connectionId())).isEqualTo(Hypercalls.SUCCESS);
        assertThat(channel.awaitGuest(10_000)).as("the guest's signal").isTrue();
        assertThat(bus.signal(offer.connectionId() + 1))
                .isEqualTo(Hypercalls.INVALID_CONNECTION_ID);

        channel.signalGuest();
        assertThat(signals.poll(10, TimeUnit.SECONDS)).isEqualTo("cpu 0 flag " + offer.relid());
        post(new ModifyChannel(offer.relid(), 3));
        assertThat(next(MessageType.MODIFY_CHANNEL_RESPONSE)).isNotNull();
        channel.signalGuest();
        assertThat(signals.poll(10, TimeUnit.SECONDS)).isEqualTo("cpu 3 flag " + offer.relid());

        post(new CloseChannel(offer.relid()));
        assertThat(connected).hasSize(2).last().isEqualTo("-" + offer.connectionId());
        assertThat(bus.signal(offer.connectionId())).isEqualTo(Hypercalls.INVALID_CONNECTION_ID);
    }

    @Test
    void shouldShowTheHostOnlyWhatTheGuestShows() throws Exception {
        contact();
        assertThat(host.memory().visiblePageCount()).isZero();
        memory.setVisible(5, 3, true);
        contact();
        assertThat(host.memory().visiblePageCount()).isEqualTo(3);
        assertThat(host.memory().isVisible(4)).isFalse();
        memory.setVisible(6, 1, false);
        contact();
        assertThat(host.memory().isVisible(6)).isFalse();
    }

    @Test
    void shouldRefuseAChannelWhoseRingsAreNotVisible() throws Exception {
        Offer offer = contact();
        postGpadl(offer);
        post(new OpenChannel(offer.relid(), 1, GPADL, 0, 4, UserData.NONE));
        OpenChannelResult result = (OpenChannelResult) next(MessageType.OPEN_CHANNEL_RESULT);
        assertThat(result.status()).isNotZero();
    }

    @Test
    void shouldTellOnceThatTheHostHasGone() throws Exception {
        contact();
        host.close();
        assertThat(lost.poll(10, TimeUnit.SECONDS)).contains("closed");
        assertThat(bus.post(4, MemorySegment.ofArray(new RequestOffers().toBytes())))
                .isEqualTo(Hypercalls.SUCCESS);
        memory.setVisible(5, 3, true);
        assertThat(lost).isEmpty();
    }

    @Test
    void shouldBringAnOpenChannelToAnotherHost() throws Exception {
        Offer offer = contact();
        HostChannel before = open(offer);
        MemorySegment journal = requireNonNull(before.journal());
        journal.set(ValueLayout.JAVA_LONG, 8, 4711);
        post(new ModifyChannel(offer.relid(), 3));
        assertThat(next(MessageType.MODIFY_CHANNEL_RESPONSE)).isNotNull();
        host.close();
        assertThat(lost.poll(10, TimeUnit.SECONDS)).contains("closed");

        // What is posted and shown meanwhile is the next host's.
        memory.setVisible(5, 3, true);
        memory.setVisible(RINGS_PFN + 20, 8, true);
        int later = GPADL + 1;
        for (ControlMessage part : Gpadl.messages(offer.relid(), later, pfns(RINGS_PFN + 20))) {
            post(part);
        }
        assertThat(bus.signal(offer.connectionId())).isEqualTo(Hypercalls.SUCCESS);
        assertThat(received).isEmpty();

        UnixSocket.Pair pair = UnixSocket.pair();
        try (HostBus next =
                new HostBus(pair.left(), HostLimits.DEFAULT, List.of(new Device()), line -> {})) {
            Thread serving = Thread.ofPlatform().start(next::serve);
            bus.carryOver(pair.right());
            HostChannel after = opened.poll(10, TimeUnit.SECONDS);
            assertThat(after).isNotNull();
            assertThat(after.offer()).isEqualTo(before.offer());
            assertThat(requireNonNull(after.journal()).get(ValueLayout.JAVA_LONG, 8))
                    .isEqualTo(4711);
            assertThat(next.memory().visiblePageCount()).isEqualTo(8 + 3 + 8);
            assertThat(next(MessageType.GPADL_CREATED))
                    .isEqualTo(new GpadlCreated(offer.relid(), later, 0));
            assertThat(received).as("answers nobody waits for").isEmpty();
            assertThat(signals.poll(10, TimeUnit.SECONDS))
                    .as("the guest is woken, in case the old host could not")
                    .isEqualTo("cpu 3 flag " + offer.relid());
            assertThat(after.awaitGuest(10_000)).as("the guest's signal").isTrue();
            after.signalGuest();
            assertThat(signals.poll(10, TimeUnit.SECONDS)).isEqualTo("cpu 3 flag " + offer.relid());
            bus.close();
            serving.join();
        }
    }

    @Test
    void shouldAnswerForAHostThatIsNotThere() throws Exception {
        Offer offer = contact();
        open(offer);
        host.close();
        assertThat(lost.poll(10, TimeUnit.SECONDS)).contains("closed");
        post(new CloseChannel(offer.relid()));
        post(new GpadlTeardown(offer.relid(), GPADL));
        assertThat(next(MessageType.GPADL_TORNDOWN)).isEqualTo(new GpadlTorndown(GPADL));
        post(new Unload());
        assertThat(next(MessageType.UNLOAD_RESPONSE)).isNotNull();
    }

    @Test
    void shouldTellItsCallerThatAHostWentWhileItTookOver() throws Exception {
        Offer offer = contact();
        open(offer);
        host.close();
        assertThat(lost.poll(10, TimeUnit.SECONDS)).contains("closed");
        UnixSocket.Pair pair = UnixSocket.pair();
        try (HostBus next = new HostBus(pair.left(), HostLimits.DEFAULT, List.of(), line -> {})) {
            Thread serving = Thread.ofPlatform().start(next::serve);
            Thread.ofPlatform()
                    .start(() -> {
                        // It offers nothing, and goes.
                        while (next.version() == null) {
                            Thread.onSpinWait();
                        }
                        next.close();
                    });
            assertThatThrownBy(() -> bus.carryOver(pair.right())).isInstanceOf(IOException.class);
            serving.join();
        }
        assertThat(lost).as("told to the caller, not again").isEmpty();
    }

    private static long[] pfns(long first) {
        return LongStream.range(first, first + 8).toArray();
    }

    private Offer contact() throws InterruptedException {
        int version = 5 << 16 | 3;
        post(new InitiateContact(version, 1, InitiateContact.SINT2_VTL0, 0, 0), 4);
        assertThat(next(MessageType.VERSION_RESPONSE)).isNotNull();
        post(new RequestOffers());
        OfferChannel offered = (OfferChannel) next(MessageType.OFFER_CHANNEL);
        assertThat(next(MessageType.ALL_OFFERS_DELIVERED)).isNotNull();
        return offered.offer();
    }

    private HostChannel open(Offer offer) throws Exception {
        memory.setVisible(RINGS_PFN, 8, true);
        postGpadl(offer);
        post(new OpenChannel(offer.relid(), 1, GPADL, 0, 4, UserData.NONE));
        OpenChannelResult result = (OpenChannelResult) next(MessageType.OPEN_CHANNEL_RESULT);
        assertThat(result.status()).isZero();
        HostChannel channel = opened.poll(10, TimeUnit.SECONDS);
        assertThat(channel).isNotNull();
        return channel;
    }

    private void postGpadl(Offer offer) throws InterruptedException {
        for (ControlMessage part : Gpadl.messages(offer.relid(), GPADL, pfns(RINGS_PFN))) {
            post(part);
        }
        assertThat(next(MessageType.GPADL_CREATED)).isNotNull();
    }

    private void post(ControlMessage message) {
        post(message, HostBus.MESSAGE_CONNECTION_ID);
    }

    private void post(ControlMessage message, int connectionId) {
        assertThat(bus.post(connectionId, MemorySegment.ofArray(message.toBytes())))
                .isEqualTo(Hypercalls.SUCCESS);
    }

    private ControlMessage next(MessageType type) throws InterruptedException {
        ControlMessage message = received.poll(10, TimeUnit.SECONDS);
        if (message == null) {
            throw new AssertionError("the host did not send " + type);
        }
        assertThat(message.type()).isEqualTo(type);
        return message;
    }
}
