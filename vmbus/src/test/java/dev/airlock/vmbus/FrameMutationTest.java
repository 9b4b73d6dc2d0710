package dev.airlock.vmbus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Fd;
import dev.airlock.linux.Memfd;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.vmbus.guest.GuestBus;
import dev.airlock.vmbus.guest.GuestBusListener;
import dev.airlock.vmbus.guest.GuestBusOptions;
import dev.airlock.vmbus.guest.GuestChannel;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.host.HostBusEvent;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostLimits;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.GpadlWords;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.TlConnectRequest;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Seeded nonsense on the control socket and in the rings, in both directions. A sound guest on the
 * same host does verified I/O meanwhile.
 */
@Timeout(60)
class FrameMutationTest {
    private static final int CONNECTIONS = 25;
    private static final int EVENTS_PER_CONNECTION = 1200;
    private static final HostLimits TIGHT =
            new HostLimits(4, 6, 5, 300, new HostMemoryLimits(3, 200, 64, 40));

    private final long seed = Seed.get();
    private final Random random = new Random(seed);

    @Test
    void shouldSurviveAnythingAGuestSendsWhileAnotherGuestDoesIo() throws Exception {
        Set<HostBusEvent> seen = EnumSet.noneOf(HostBusEvent.class);
        try (BusPair sound = new BusPair(new EchoDevice(1))) {
            Echo echo = new Echo(sound);
            FutureTask<Long> io = new FutureTask<>(echo);
            Thread thread = Thread.ofPlatform().daemon().start(io);
            long before = Descriptors.open();
            for (int i = 0; i < CONNECTIONS; i++) {
                EchoDevice device = new EchoDevice(2);
                RawGuest guest = new RawGuest(TIGHT, device, new EchoDevice(3));
                try (guest) {
                    if (random.nextInt(4) != 0) {
                        guest.connected();
                    }
                    for (int k = 0; k < EVENTS_PER_CONNECTION; k++) {
                        attack(guest, device);
                    }
                }
                assertThat(guest.host.statistics().get(HostBusEvent.DEVICE_FAILED))
                        .as("seed=%d %s", seed, guest.reports)
                        .isZero();
                assertThat(guest.host.statistics().get(HostBusEvent.CHANNEL_CLOSED))
                        .as("seed=%d", seed)
                        .isEqualTo(guest.host.statistics().get(HostBusEvent.CHANNEL_OPENED));
                seen.addAll(guest.host.statistics().snapshot().keySet());
            }
            assertThat(Descriptors.open()).as("seed=%d", seed).isEqualTo(before);
            echo.stop = true;
            assertThat(io.get()).as("seed=%d", seed).isPositive();
            thread.join();
        }
        Set<HostBusEvent> unreached = EnumSet.complementOf(EnumSet.copyOf(seen));
        unreached.remove(HostBusEvent.DEVICE_FAILED);
        assertThat(unreached).as("seed=%d: what the nonsense never reached", seed).isEmpty();
    }

    /** Requests and answers with a sound guest, each checked, until told to stop. */
    private static final class Echo implements Callable<Long> {
        private final GuestChannel channel;
        volatile boolean stop;

        Echo(BusPair pair) throws IOException {
            Offer offer = pair.guest.offers().getFirst();
            channel = pair.guest.open(offer, pair.rings(), BusPair.RING_BYTES, BusPair.RING_BYTES);
        }

        @Override
        public Long call() throws IOException {
            MemorySegment packet = Arena.ofAuto().allocate(8192, 8);
            long id = 0;
            for (; !stop; id++) {
                echo(channel, packet, id);
            }
            assertThat(channel.closeChannel()).isTrue();
            return id;
        }
    }

    private static void echo(GuestChannel channel, MemorySegment packet, long id)
            throws IOException {
        PacketDescriptor.encode(packet, 0, PacketDescriptor.TYPE_DATA_INBAND, 16, 64, 1, id);
        packet.asSlice(16, 48).fill((byte) id);
        assertThat(channel.out().write(packet, 0, 64)).isTrue();
        if (channel.out().publish() == RingWriter.SIGNAL) {
            channel.signalHost();
        }
        while (channel.in().read(packet, 0, 8192) == 0) {
            if (channel.in().consumed()) {
                channel.signalHost();
            }
            if (!channel.in().unmaskInterrupts()) {
                assertThat(channel.await(20_000)).isTrue();
            }
            assertThat(channel.isOpen()).isTrue();
        }
        assertThat(PacketDescriptor.transactionId(packet, 0)).isEqualTo(id);
        assertThat(packet.get(ValueLayout.JAVA_BYTE, 63)).isEqualTo((byte) id);
    }

    private void attack(RawGuest guest, EchoDevice device) throws IOException {
        switch (random.nextInt(24)) {
            case 0 -> doorbells(guest);
            case 1 -> region(guest);
            case 2 -> guest.postBytes(noise(1 + random.nextInt(300)));
            case 3, 4 -> scribble(guest);
            case 5 -> openProperly(guest);
            case 6 -> offerOrRescind(device);
            case 7 -> journal(guest);
            default -> message(guest);
        }
        // Answers are read, or the host would drop this guest for not reading.
        while (true) {
            try (ReceivedMessage received = guest.frames.receive(0)) {
                if (!received.isMessage()) {
                    return;
                }
            }
        }
    }

    private void message(RawGuest guest) throws IOException {
        ControlMessage message = randomMessage();
        byte[] bytes = message.toBytes();
        int length = bytes.length;
        if (random.nextInt(8) == 0) {
            bytes[random.nextInt(length)] = (byte) random.nextInt();
        }
        if (random.nextInt(30) == 0) {
            length = random.nextInt(length + 1);
        }
        MemorySegment frame = MemorySegment.ofArray(new byte[FrameSocket.PAYLOAD_OFFSET + length]);
        int address = random.nextInt(30) == 0 ? random.nextInt(6) : HostBus.MESSAGE_CONNECTION_ID;
        frame.set(ValueLayout.JAVA_INT_UNALIGNED, FrameSocket.ARGUMENT_OFFSET, address);
        MemorySegment.copy(
                bytes, 0, frame, ValueLayout.JAVA_BYTE, FrameSocket.PAYLOAD_OFFSET, length);
        guest.frames.socket().send(frame);
    }

    private ControlMessage randomMessage() {
        int relid = random.nextInt(5);
        int gpadl = random.nextInt(6);
        return switch (random.nextInt(60)) {
            case 0 ->
                    new InitiateContact(
                            random.nextInt(3) == 0 ? random.nextInt() : 0x50002 + relid % 2,
                            0,
                            0,
                            0,
                            0);
            case 1 -> new Unload();
            case 2, 3, 4, 5 -> new RequestOffers();
            case 6, 7, 8, 9 -> new CloseChannel(relid);
            case 10, 11, 12 -> new ModifyChannel(relid, random.nextInt());
            case 13, 14, 15 -> new RelidReleased(relid);
            case 16 -> new TlConnectRequest(new Guid(relid, gpadl), new Guid(gpadl, relid));
            case 17, 18, 19, 20, 21, 22 -> new GpadlTeardown(relid, gpadl);
            case 23, 24, 25, 26, 27, 28, 29, 30, 31 ->
                    new OpenChannel(relid, gpadl, gpadl, relid, random.nextInt(8), UserData.NONE);
            case 32, 33, 34, 35, 36, 37 -> new GpadlBody(relid, gpadl, words(28));
            case 38 -> new GpadlTorndown(gpadl);
            default -> {
                GpadlWords words = words(GpadlHeader.MAX_WORDS);
                yield new GpadlHeader(
                        relid,
                        gpadl,
                        random.nextBoolean() ? words.count() * Long.BYTES : random.nextInt(1000),
                        random.nextInt(10) == 0 ? random.nextInt(4) : 1,
                        words);
            }
        };
    }

    /** Sometimes a sound range of visible pages, sometimes not. */
    private GpadlWords words(int max) {
        int count = 1 + random.nextInt(max);
        long[] words = new long[count];
        for (int i = 1; i < count; i++) {
            words[i] = random.nextInt(40) == 0 ? random.nextLong() : random.nextInt(RawGuest.PAGES);
        }
        words[0] = random.nextInt(5) == 0 ? random.nextLong() : (count - 1) * 4096L;
        return GpadlWords.of(words, 0, count);
    }

    private void doorbells(RawGuest guest) throws IOException {
        try (EventFd event = EventFd.create()) {
            Fd first = random.nextInt(6) == 0 ? guest.memfd : event.fd();
            Fd second = random.nextInt(6) == 0 ? guest.memfd : event.fd();
            int relid = random.nextInt(5);
            if (random.nextInt(10) == 0) {
                guest.postBytes(new byte[] {2, 0, 0, 0, (byte) relid, 0, 0, 0}, first);
            } else {
                guest.frames.sendDoorbells(relid, first, second);
            }
        }
    }

    /** One that will do, one that is too small, or what is no memory. */
    private void journal(RawGuest guest) throws IOException {
        int relid = random.nextInt(5);
        switch (random.nextInt(3)) {
            case 0 -> guest.frames.sendJournal(relid, guest.memfd);
            case 1 -> {
                try (EventFd event = EventFd.create()) {
                    guest.frames.sendJournal(relid, event.fd());
                }
            }
            default -> {
                try (Fd journal = Memfd.create("journal", HostChannel.JOURNAL_BYTES)) {
                    guest.frames.sendJournal(relid, journal);
                }
            }
        }
    }

    private void region(RawGuest guest) throws IOException {
        guest.frames.sendRegion(
                random.nextInt(100) * 2048L,
                random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(4) * 4096L,
                guest.memfd,
                random.nextInt(70) * 4096L);
    }

    /** Overwrites shared words: of ring control pages above all. */
    private void scribble(RawGuest guest) {
        for (int i = 0; i < 4; i++) {
            long at = random.nextInt(RawGuest.PAGES) * 4096L + 4L * random.nextInt(20);
            int value = random.nextBoolean() ? random.nextInt() : 8 * random.nextInt(1024);
            guest.memory.segment().set(ValueLayout.JAVA_INT, at, value);
        }
        if (random.nextInt(3) == 0) {
            guest.toHostIfAny();
        }
    }

    private void openProperly(RawGuest guest) throws IOException {
        int relid = 1 + random.nextInt(3);
        int gpadl = 100 + random.nextInt(2);
        long first = random.nextInt(RawGuest.PAGES - 8);
        long[] pfns = {first, first + 1, first + 2, first + 3};
        guest.memory.segment().asSlice(first * 4096, 4 * 4096).fill((byte) 0);
        guest.ringDoorbells(relid);
        for (ControlMessage part : Gpadl.messages(relid, gpadl, pfns)) {
            guest.post(part);
        }
        guest.post(new OpenChannel(relid, 1, gpadl, 0, 2, UserData.NONE));
    }

    private void offerOrRescind(EchoDevice device) {
        HostChannel channel = device.opened.poll();
        if (channel == null) {
            return;
        }
        if (random.nextInt(6) == 0) {
            channel.rescind();
        } else {
            channel.offerSubchannels(random.nextInt(10));
        }
    }

    @Test
    void shouldSurviveAnythingAHostAnswers() throws Exception {
        long before = Descriptors.open();
        int connected = 0;
        int opened = 0;
        int echoed = 0;
        for (int i = 0; i < 40; i++) {
            UnixSocket.Pair guestSide = UnixSocket.pair();
            UnixSocket.Pair hostSide = UnixSocket.pair();
            HostBus host =
                    new HostBus(
                            hostSide.right(),
                            HostLimits.DEFAULT,
                            List.of(new EchoDevice(1), new EchoDevice(2)),
                            line -> {});
            Thread hostThread = Thread.ofPlatform().daemon().start(host::serve);
            Thread up = relay(guestSide.right(), hostSide.left(), new Random(random.nextLong()), 0);
            Thread down =
                    relay(hostSide.left(), guestSide.right(), new Random(random.nextLong()), 10);
            try (GuestMemory memory = GuestMemory.isolated(1 << 20, 1 << 20)) {
                GuestBusOptions options = new GuestBusOptions(60, 8);
                try (GuestBus bus =
                        GuestBus.connect(
                                guestSide.left(), memory, options, GuestBusListener.NONE)) {
                    connected++;
                    for (Offer offer : bus.offers()) {
                        long rings = memory.visiblePages().allocate(2L * BusPair.RING_BYTES, 4096);
                        try (GuestChannel channel =
                                bus.open(offer, rings, BusPair.RING_BYTES, BusPair.RING_BYTES)) {
                            opened++;
                            echo(channel, Arena.ofAuto().allocate(8192, 8), 5);
                            echoed++;
                        }
                    }
                } catch (IOException e) {
                    // Every failure is fine that is told by an exception, in time.
                }
            }
            guestSide.close();
            hostSide.close();
            for (Thread thread : List.of(up, down, hostThread)) {
                thread.join(20_000);
                assertThat(thread.isAlive()).as("seed=%d", seed).isFalse();
            }
        }
        assertThat(List.of(connected, opened, echoed)).as("seed=%d", seed).allMatch(n -> n > 0);
        assertThat(Descriptors.open()).as("seed=%d", seed).isEqualTo(before);
    }

    /** Passes frames on; one in {@code mutateOneIn} is changed, dropped, doubled or replaced. */
    private static Thread relay(UnixSocket from, UnixSocket to, Random random, int mutateOneIn) {
        FrameSocket in = new FrameSocket(from);
        return Thread.ofPlatform()
                .daemon()
                .start(() -> {
                    try {
                        relayUntilEnd(in, to, random, mutateOneIn);
                    } catch (IOException e) {
                        // One of the two has gone.
                    } finally {
                        from.shutdown();
                        to.shutdown();
                    }
                });
    }

    private static void relayUntilEnd(FrameSocket in, UnixSocket to, Random random, int mutateOneIn)
            throws IOException {
        while (true) {
            try (ReceivedMessage received = in.receive(-1)) {
                if (received.isClosed()) {
                    return;
                }
                byte[] frame = in.frame().toArray(ValueLayout.JAVA_BYTE);
                Fd[] fds = new Fd[received.fdCount()];
                for (int i = 0; i < fds.length; i++) {
                    fds[i] = received.takeFd();
                }
                boolean mutate = mutateOneIn > 0 && random.nextInt(mutateOneIn) == 0;
                int how = mutate ? random.nextInt(5) : -1;
                if (how == 0) {
                    frame[random.nextInt(frame.length)] = (byte) random.nextInt();
                } else if (how == 1) {
                    frame = java.util.Arrays.copyOf(frame, 1 + random.nextInt(260));
                } else if (how == 2) {
                    frame = new byte[1 + random.nextInt(260)];
                    random.nextBytes(frame);
                }
                for (int n = how == 3 ? 0 : how == 4 ? 2 : 1; n > 0; n--) {
                    to.send(MemorySegment.ofArray(frame), fds);
                }
                for (Fd fd : fds) {
                    fd.close();
                }
            }
        }
    }

    private byte[] noise(int bytes) {
        byte[] noise = new byte[bytes];
        random.nextBytes(noise);
        return noise;
    }
}
