package dev.airlock.vmbus.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.LinuxException;
import dev.airlock.memory.HostMemory;
import dev.airlock.vmbus.BusPair;
import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.Seed;
import dev.airlock.vmbus.guest.GuestChannel;
import dev.airlock.vmbus.host.HostDevice;
import dev.airlock.vmbus.host.HostTap;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class IntegrationServicesTest {
    private static final int RING = BusPair.RING_BYTES;
    private static final int TYPE_AT = 28;
    private static final int STATUS_AT = 36;
    private static final int FLAGS_AT = 41;
    private static final int DATA_AT = 44;
    private static final byte RESPONSE = 5;

    /** 2024-02-03 04:05:06.7000008 UTC. */
    private static final Instant NOW = Instant.ofEpochSecond(1_706_933_106, 700_000_800);

    private final AtomicLong millis = new AtomicLong(1_000);
    private final IntegrationServices services =
            new IntegrationServices("guest1", millis::get, InstantSource.fixed(NOW));
    private final MemorySegment packet = Arena.ofAuto().allocate(4096, 8);
    private final List<String> shown = new CopyOnWriteArrayList<>();
    private BusPair pair;

    IntegrationServicesTest() throws IOException {
        pair = new BusPair();
    }

    @BeforeEach
    void connect() throws IOException {
        pair.close();
        pair = new BusPair(new Shown(), services.devices().toArray(HostDevice[]::new));
    }

    @AfterEach
    void disconnect() throws LinuxException {
        pair.close();
    }

    /** What a recording gets to see: who sent which message. */
    private final class Shown implements HostTap {
        @Override
        public void message(boolean fromGuest, MemorySegment from, long at, int bytes) {}

        @Override
        public void gpadl(int pages, int visiblePages) {}

        @Override
        public void packet(
                boolean fromGuest, MemorySegment from, long at, int bytes, HostMemory memory) {
            String type =
                    ServiceMessage.isMessage(from, bytes)
                            ? ServiceMessage.typeName(ServiceMessage.type(from))
                            : "unknown";
            shown.add((fromGuest ? "guest " : "host ") + type);
        }
    }

    private GuestChannel open(Guid type) throws Exception {
        for (Offer offer : pair.guest.offers()) {
            if (offer.interfaceType().equals(type)) {
                return pair.guest.open(offer, pair.rings(), RING, RING);
            }
        }
        throw new AssertionError("not offered: " + type);
    }

    /** The host's next packet; its bytes are {@link PacketDescriptor#packetBytes}. */
    private int receive(GuestChannel channel) throws LinuxException {
        while (channel.in().read(packet, 0, 4096) == 0) {
            channel.await(1_000);
        }
        channel.in().consumed();
        return packet.get(ServiceMessage.U16, TYPE_AT);
    }

    private void send(GuestChannel channel, int bytes) {
        assertThat(channel.out().write(packet, 0, bytes)).isTrue();
        if (channel.out().publish() == RingWriter.SIGNAL) {
            channel.signalHost();
        }
    }

    /** As Linux does: the request comes back with another flag, and a status. */
    private void answer(GuestChannel channel, int status) {
        packet.set(ValueLayout.JAVA_BYTE, FLAGS_AT, RESPONSE);
        packet.set(ServiceMessage.U32, STATUS_AT, status);
        send(channel, PacketDescriptor.packetBytes(packet, 0));
    }

    private void agree(GuestChannel channel) throws LinuxException {
        assertThat(receive(channel)).isEqualTo(ServiceMessage.NEGOTIATE);
        answer(channel, 0);
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }

    @Test
    void shouldOfferVersion3AndThenTellTheTime() throws Exception {
        try (GuestChannel channel = open(TimeSyncService.TYPE)) {
            assertThat(receive(channel)).isEqualTo(ServiceMessage.NEGOTIATE);
            // From hyperv.h: pipe header, icmsg_hdr, icmsg_negotiate, as Linux reads them.
            assertThat(packet.asSlice(16, 44).toArray(ValueLayout.JAVA_BYTE))
                    .containsExactly(
                            0, 0, 0, 0, 36, 0, 0, 0, // flags, size
                            3, 0, 0, 0, 0, 0, 3, 0, 0, 0, // 3.0, negotiate, 3.0
                            16, 0, 0, 0, 0, 0, 0, 3, 0, 0, // size, status, transaction | request
                            1, 0, 1, 0, 0, 0, 0, 0, // one of each
                            3, 0, 0, 0, 3, 0, 0, 0); // 3.0, 3.0
            answer(channel, 0);

            assertThat(receive(channel)).isEqualTo(ServiceMessage.TIME_SYNC);
            assertThat(packet.get(ServiceMessage.U64, DATA_AT))
                    .isEqualTo((1_706_933_106L + 11_644_473_600L) * 10_000_000 + 7_000_008);
            assertThat(packet.get(ValueLayout.JAVA_BYTE, DATA_AT + 24)).isEqualTo((byte) 1);
        }
    }

    @Test
    void shouldTellAGuestThatAnswersFromOneThatDoesNotAnyMore() throws Exception {
        assertThat(services.heartbeat()).isEqualTo(Heartbeat.NONE);
        try (GuestChannel channel = open(HeartbeatService.TYPE)) {
            agree(channel);
            assertThat(receive(channel)).isEqualTo(ServiceMessage.HEARTBEAT);
            assertThat(packet.get(ServiceMessage.U64, DATA_AT)).isEqualTo(1);
            assertThat(services.heartbeat()).isEqualTo(Heartbeat.NONE);
            answer(channel, 0);
            await(() -> services.heartbeat() == Heartbeat.OK);

            assertThat(shown)
                    .containsExactly(
                            "host NEGOTIATE",
                            "guest NEGOTIATE",
                            "host HEARTBEAT",
                            "guest HEARTBEAT");

            millis.addAndGet(HeartbeatService.LOST_MS);
            assertThat(services.heartbeat()).isEqualTo(Heartbeat.LOST);
            assertThat(receive(channel)).isEqualTo(ServiceMessage.HEARTBEAT);
            assertThat(packet.get(ServiceMessage.U64, DATA_AT)).isEqualTo(2);
            answer(channel, 0);
            await(() -> services.heartbeat() == Heartbeat.OK);
        }
        await(() -> services.heartbeat() == Heartbeat.NONE);
    }

    @Test
    void shouldAskToShutDownWhoCanBeAsked() throws Exception {
        assertThat(services.askToShutDown()).isFalse();
        try (GuestChannel channel = open(ShutdownService.TYPE)) {
            agree(channel);
            await(services::askToShutDown);

            assertThat(receive(channel)).isEqualTo(ServiceMessage.SHUTDOWN);
            assertThat(PacketDescriptor.packetBytes(packet, 0)).isEqualTo(44 + 2060);
            // Flags 0 and 1 are a power-off.
            assertThat(packet.get(ServiceMessage.U32, DATA_AT + 8)).isZero();
        }
        await(() -> !services.askToShutDown());
    }

    @Test
    void shouldNotServeAGuestThatAgreesToNothing() throws Exception {
        try (GuestChannel channel = open(ShutdownService.TYPE)) {
            receive(channel);
            packet.set(ServiceMessage.U16, DATA_AT, (short) 0);
            packet.set(ServiceMessage.U16, DATA_AT + 2, (short) 0);
            answer(channel, 0);
            await(() -> channel.out().fits(channel.out().maxPacketBytes()));

            assertThat(services.askToShutDown()).isFalse();
        }
    }

    @Test
    void shouldServeOnAfterPacketsThatAreNoAnswers() throws Exception {
        Random random = new Random(Seed.get());
        try (GuestChannel channel = open(ShutdownService.TYPE)) {
            receive(channel);
            byte[] proper = packet.asSlice(0, 64).toArray(ValueLayout.JAVA_BYTE);
            for (int i = 0; i < 2_000; i++) {
                int bytes = 16 + 8 * random.nextInt(16);
                byte[] garbage = new byte[bytes - 16];
                random.nextBytes(garbage);
                MemorySegment.copy(garbage, 0, packet, ValueLayout.JAVA_BYTE, 16, garbage.length);
                int type = random.nextInt(16);
                int dataOffset = 16 + 8 * random.nextInt((bytes - 16) / 8 + 1);
                PacketDescriptor.encode(packet, 0, type, dataOffset, bytes, 0, i);
                if (bytes >= DATA_AT) {
                    // Not by chance what the guest would have to say.
                    packet.set(ServiceMessage.U16, TYPE_AT, (short) (1 + random.nextInt(9)));
                }
                await(() -> channel.out().fits(bytes));
                send(channel, bytes);
            }
            assertThat(services.askToShutDown()).isFalse();
            MemorySegment.copy(proper, 0, packet, ValueLayout.JAVA_BYTE, 0, proper.length);
            await(() -> channel.out().fits(proper.length));
            answer(channel, 0);

            await(services::askToShutDown);
            assertThat(receive(channel)).isEqualTo(ServiceMessage.SHUTDOWN);
            assertThat(channel.closeChannel()).isTrue();
        }
    }

    @Test
    void shouldGiveUpABrokenRingAndCloseAllTheSame() throws Exception {
        try (GuestChannel channel = open(HeartbeatService.TYPE)) {
            agree(channel);
            receive(channel);
            answer(channel, 0);
            await(() -> services.heartbeat() == Heartbeat.OK);
            // A packet that is longer than what the ring holds.
            PacketDescriptor.encode(packet, 0, PacketDescriptor.TYPE_DATA_INBAND, 16, 4096, 0, 1);
            send(channel, 4096);
            PacketDescriptor.encode(packet, 0, PacketDescriptor.TYPE_DATA_INBAND, 16, 4104, 0, 1);
            MemorySegment large = Arena.ofAuto().allocate(4104, 8);
            MemorySegment.copy(packet, 0, large, 0, 16);
            assertThat(channel.out().write(large, 0, 4104)).isTrue();
            if (channel.out().publish() == RingWriter.SIGNAL) {
                channel.signalHost();
            }

            await(() -> services.heartbeat() == Heartbeat.NONE);
            assertThat(channel.closeChannel()).isTrue();
        }
    }
}
