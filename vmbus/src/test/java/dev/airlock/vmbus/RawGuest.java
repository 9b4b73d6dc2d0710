package dev.airlock.vmbus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Fd;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.Memfd;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.host.HostBusEvent;
import dev.airlock.vmbus.host.HostDevice;
import dev.airlock.vmbus.host.HostLimits;
import dev.airlock.vmbus.message.AllOffersDelivered;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.TlConnectRequest;
import dev.airlock.vmbus.message.TlConnectResult;
import dev.airlock.vmbus.message.VersionResponse;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A guest that sends whatever it is told, to a real host bus, over frames of its own making. */
final class RawGuest implements AutoCloseable {
    static final int PAGES = 64;
    private static final Guid PING = new Guid(1, 2);

    final List<String> reports = new CopyOnWriteArrayList<>();
    final HostBus host;
    final FrameSocket frames;
    final Fd memfd = Memfd.create("raw-guest", PAGES * 4096L);
    final Mapping memory = Mapping.shared(memfd, 0, PAGES * 4096L);
    private final List<EventFd> doorbells = new ArrayList<>();
    private final Thread hostThread;

    RawGuest(HostLimits limits, HostDevice... devices) throws IOException {
        UnixSocket.Pair pair = UnixSocket.pair();
        frames = new FrameSocket(pair.left());
        host = new HostBus(pair.right(), limits, List.of(devices), reports::add);
        hostThread = Thread.ofPlatform().name("host-bus").start(host::serve);
    }

    RawGuest(HostDevice... devices) throws IOException {
        this(HostLimits.DEFAULT, devices);
    }

    /** Memory, contact, offers. */
    RawGuest connected(VmbusVersion version) throws IOException {
        frames.sendRegion(0, PAGES * 4096L, memfd, 0);
        frames.send(4, new InitiateContact(version.number(), 0, 2, 0, 0));
        assertThat(expect(VersionResponse.class).supported()).isEqualTo(1);
        post(new RequestOffers());
        while (!(receive() instanceof AllOffersDelivered)) {}
        return this;
    }

    RawGuest connected() throws IOException {
        return connected(VmbusVersion.V5_3);
    }

    void post(ControlMessage message) throws IOException {
        frames.send(HostBus.MESSAGE_CONNECTION_ID, message);
    }

    void postBytes(byte[] bytes, Fd... fds) throws IOException {
        frames.socket().send(MemorySegment.ofArray(bytes), fds);
    }

    ControlMessage receive() throws IOException {
        try (ReceivedMessage received = frames.receive(10_000)) {
            assertThat(received.isMessage()).as("answer expected").isTrue();
            return requireNonNull(
                    ControlMessage.decode(
                            frames.frame(), FrameSocket.PAYLOAD_OFFSET, frames.payloadBytes()));
        }
    }

    <T extends ControlMessage> T expect(Class<T> type) throws IOException {
        return type.cast(receive());
    }

    /** Returns when the host has handled all that was sent before, having answered none of it. */
    void expectSilence() throws IOException {
        post(new TlConnectRequest(PING, PING));
        assertThat(receive()).isInstanceOf(TlConnectResult.class);
    }

    /** How often, once all that was sent before is handled unanswered. */
    long dropped(HostBusEvent event) throws IOException {
        expectSilence();
        return host.statistics().get(event);
    }

    int gpadl(int relid, int handle, long... pfns) throws IOException {
        for (ControlMessage part : Gpadl.messages(relid, handle, pfns)) {
            post(part);
        }
        return expect(GpadlCreated.class).status();
    }

    void ringDoorbells(int relid) throws IOException {
        EventFd toHost = EventFd.create();
        EventFd toGuest = EventFd.create();
        doorbells.add(toHost);
        doorbells.add(toGuest);
        frames.sendDoorbells(relid, toHost.fd(), toGuest.fd());
    }

    /** The doorbell by which this guest rings the host, of the last doorbells sent. */
    EventFd toHost() {
        return doorbells.get(doorbells.size() - 2);
    }

    void toHostIfAny() {
        if (!doorbells.isEmpty()) {
            toHost().signal();
        }
    }

    /** The doorbell by which the host rings this guest, of the last doorbells sent. */
    EventFd toGuest() {
        return doorbells.getLast();
    }

    int open(int relid, int gpadl, int downstreamPages) throws IOException {
        post(new OpenChannel(relid, 9, gpadl, 0, downstreamPages, UserData.NONE));
        OpenChannelResult result = expect(OpenChannelResult.class);
        assertThat(result.relid()).isEqualTo(relid);
        assertThat(result.openId()).isEqualTo(9);
        return result.status();
    }

    Offer expectOffer() throws IOException {
        return expect(OfferChannel.class).offer();
    }

    void joinHost() {
        try {
            hostThread.join(15_000);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        assertThat(hostThread.isAlive()).as("host bus still serves").isFalse();
    }

    @Override
    public void close() {
        frames.close();
        joinHost();
        doorbells.forEach(EventFd::close);
        memory.close();
        memfd.close();
    }
}
