package dev.airlock.vmbus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.airlock.vmbus.guest.ChannelOpenException;
import dev.airlock.vmbus.guest.GuestBusListener;
import dev.airlock.vmbus.guest.GuestChannel;
import dev.airlock.vmbus.host.HostBusEvent;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostLimits;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BusTest {
    private static final int RING = BusPair.RING_BYTES;

    private final EchoDevice device = new EchoDevice(1);
    private final MemorySegment packet = Arena.ofAuto().allocate(8192, 8);

    /** Keeps what the bus tells. */
    private static final class Events implements GuestBusListener {
        final BlockingQueue<Offer> offered = new LinkedBlockingQueue<>();
        final BlockingQueue<Offer> rescinded = new LinkedBlockingQueue<>();
        final BlockingQueue<String> lost = new LinkedBlockingQueue<>();

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
            lost.add(reason);
        }
    }

    @Test
    void shouldNegotiateOfferOpenAndEcho() throws Exception {
        try (BusPair pair = new BusPair(device, new EchoDevice(2))) {
            assertThat(pair.guest.version()).isEqualTo(VmbusVersion.V5_3);
            assertThat(pair.host.version()).isEqualTo(VmbusVersion.V5_3);
            assertThat(pair.guest.offers()).extracting(Offer::relid).containsExactly(1, 2);
            assertThat(pair.guest.offers().getFirst().connectionId()).isEqualTo(0x2001);
            GuestChannel channel = open(pair, pair.guest.offers().getFirst());
            for (int i = 0; i < 2000; i++) {
                assertThat(echo(channel, 16 + 8 * (i % 100), i)).isEqualTo(i);
            }
            assertThat(channel.closeChannel()).isTrue();
            assertThat(take(device.closed).isOpen()).isFalse();
            assertThat(pair.host.statistics().get(HostBusEvent.CHANNEL_CLOSED)).isEqualTo(1);
        }
    }

    @Test
    void shouldReopenAfterClose() throws Exception {
        try (BusPair pair = new BusPair(device)) {
            Offer offer = pair.guest.offers().getFirst();
            long rings = pair.rings();
            for (int i = 0; i < 3; i++) {
                try (GuestChannel channel = pair.guest.open(offer, rings, RING, RING)) {
                    assertThat(echo(channel, 64, i)).isEqualTo(i);
                    assertThatThrownBy(() -> pair.guest.open(offer, rings, RING, RING))
                            .isInstanceOf(ChannelOpenException.class)
                            .hasMessageContaining("relid=1");
                }
            }
        }
    }

    @Test
    void shouldOfferSubchannelsAndTakeThemBackWithTheirPrimary() throws Exception {
        Events events = new Events();
        try (BusPair pair = new BusPair(HostLimits.DEFAULT, events, device)) {
            GuestChannel primary = open(pair, take(events.offered));
            HostChannel hostPrimary = take(device.opened);
            assertThat(hostPrimary.offerSubchannels(3)).isEqualTo(3);
            for (int i = 1; i <= 3; i++) {
                Offer sub = take(events.offered);
                assertThat(sub.subchannelIndex()).isEqualTo(i);
                assertThat(sub.isSameDevice(primary.offer())).isTrue();
                GuestChannel channel = open(pair, sub);
                assertThat(echo(channel, 64, i)).isEqualTo(i);
                assertThat(take(device.opened).subchannelIndex()).isEqualTo(i);
            }
            assertThat(primary.closeChannel()).isTrue();
            for (int i = 1; i <= 3; i++) {
                assertThat(take(events.rescinded).subchannelIndex()).isEqualTo(i);
                assertThat(take(device.closed).subchannelIndex()).isEqualTo(i);
            }
            assertThat(take(device.closed).subchannelIndex()).isZero();
        }
    }

    @Test
    void shouldGiveTheIndexOfARescindedSubchannelToTheNext() throws Exception {
        Events events = new Events();
        try (BusPair pair = new BusPair(HostLimits.DEFAULT, events, device)) {
            open(pair, take(events.offered));
            HostChannel hostPrimary = take(device.opened);
            hostPrimary.offerSubchannels(2);
            GuestChannel first = open(pair, take(events.offered));
            take(device.opened).rescind();
            assertThat(take(events.rescinded)).isEqualTo(first.offer());
            assertThat(take(events.offered).subchannelIndex()).isEqualTo(2);
            hostPrimary.offerSubchannels(2);
            assertThat(take(events.offered).subchannelIndex()).isEqualTo(1);
            assertThat(first.closeChannel()).isTrue();
        }
    }

    @Test
    void shouldKeepSubchannelsWithinTheLimitThatItNames() throws Exception {
        HostLimits two = new HostLimits(1, 2, 16, 64, HostLimits.DEFAULT.memory());
        Events events = new Events();
        try (BusPair pair = new BusPair(two, events, device)) {
            open(pair, take(events.offered));
            assertThat(take(device.opened).offerSubchannels(5)).isEqualTo(1);
            assertThat(take(events.offered).subchannelIndex()).isEqualTo(1);
        }
        try (BusPair pair =
                new BusPair(two, events, device, new EchoDevice(2), new EchoDevice(3))) {
            assertThat(pair.guest.offers()).hasSize(2);
            assertThat(pair.reports).contains("LIMIT_REACHED: channelsMax=2");
        }
    }

    @Test
    void shouldTellTheOwnerOfARescindedChannel() throws Exception {
        Events events = new Events();
        try (BusPair pair = new BusPair(HostLimits.DEFAULT, events, device)) {
            GuestChannel channel = open(pair, take(events.offered));
            take(device.opened).rescind();
            assertThat(take(events.rescinded)).isEqualTo(channel.offer());
            assertThat(channel.await(-1)).isTrue();
            assertThat(channel.isRescinded()).isTrue();
            take(device.closed);
            assertThat(channel.closeChannel()).isTrue();
            assertThat(pair.guest.offers()).isEmpty();
            EchoDevice next = new EchoDevice(2);
            pair.host.add(next);
            // The released relid is used again if the host has heard of its release by now.
            Offer offer = take(events.offered);
            assertThat(offer.relid()).isBetween(1, 2);
            assertThat(echo(open(pair, offer), 64, 7)).isEqualTo(7);
        }
    }

    @Test
    void shouldMoveInterruptsToAnotherCpu() throws Exception {
        try (BusPair pair = new BusPair(device)) {
            GuestChannel channel = open(pair, pair.guest.offers().getFirst());
            HostChannel host = take(device.opened);
            channel.modifyTargetCpu(3);
            assertThat(host.targetCpu()).isEqualTo(3);
            assertThat(channel.targetCpu()).isEqualTo(3);
        }
    }

    @Test
    void shouldWakeEverybodyWhenTheHostDies() throws Exception {
        Events events = new Events();
        try (BusPair pair = new BusPair(HostLimits.DEFAULT, events, device)) {
            GuestChannel channel = open(pair, take(events.offered));
            Thread killer = Thread.ofPlatform().start(pair::endHost);
            assertThat(channel.await(-1)).isTrue();
            assertThat(channel.isOpen()).isFalse();
            assertThat(channel.isBusLost()).isTrue();
            assertThat(take(events.lost)).contains("host closed the connection");
            killer.join();
            assertThatThrownBy(() -> channel.modifyTargetCpu(1))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("bus lost");
            assertThat(channel.closeChannel()).as("nobody confirms").isFalse();
            assertThat(device.closed).hasSize(1);
        }
    }

    @Test
    void shouldFreeEverythingWhenTheGuestGoes() throws Exception {
        try (BusPair pair = new BusPair(device)) {
            GuestChannel channel = open(pair, pair.guest.offers().getFirst());
            pair.guest.unload();
            assertThat(take(device.closed).isOpen()).isFalse();
            assertThat(channel.isOpen()).isFalse();
            assertThat(channel.closeChannel()).as("unload confirmed it").isTrue();
            assertThat(pair.host.version()).isNull();
            assertThat(pair.host.memory().visiblePageCount()).isPositive();
            pair.guest.close();
            pair.joinHost();
            assertThat(pair.host.memory().visiblePageCount()).isZero();
        }
    }

    @Test
    void shouldRefuseRingsThatAreNotVisible() throws Exception {
        try (BusPair pair = new BusPair(device)) {
            long gpa = pair.memory.privatePages().allocate(2L * RING, 4096);
            Offer offer = pair.guest.offers().getFirst();
            assertThatThrownBy(() -> pair.guest.open(offer, gpa, RING, RING))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("visible");
        }
    }

    private static GuestChannel open(BusPair pair, Offer offer) throws IOException {
        return pair.guest.open(offer, pair.rings(), RING, RING);
    }

    private static <T> T take(BlockingQueue<T> queue) throws InterruptedException {
        T item = queue.poll(10, TimeUnit.SECONDS);
        assertThat(item).isNotNull();
        return java.util.Objects.requireNonNull(item);
    }

    private long echo(GuestChannel channel, int bytes, long id) throws IOException {
        PacketDescriptor.encode(packet, 0, PacketDescriptor.TYPE_DATA_INBAND, 16, bytes, 1, id);
        assertThat(channel.out().write(packet, 0, bytes)).isTrue();
        if (channel.out().publish() == RingWriter.SIGNAL) {
            channel.signalHost();
        }
        int got;
        while ((got = channel.in().read(packet, 0, 8192)) == 0) {
            assertThat(channel.await(10_000)).isTrue();
        }
        assertThat(got).isEqualTo(bytes);
        assertThat(PacketDescriptor.type(packet, 0)).isEqualTo(PacketDescriptor.TYPE_COMPLETION);
        if (channel.in().consumed()) {
            channel.signalHost();
        }
        return PacketDescriptor.transactionId(packet, 0);
    }
}
