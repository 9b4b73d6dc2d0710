package dev.airlock.vmbus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.EventFd;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.vmbus.host.HostBusEvent;
import dev.airlock.vmbus.host.HostLimits;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.GpadlWords;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.message.UnloadResponse;
import dev.airlock.vmbus.message.VersionResponse;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a guest may send that no sound guest sends, and what the host makes of it. */
@Timeout(30)
class HostileGuestTest {
    private static final int OK = ControlMessage.STATUS_SUCCESS;
    private static final int INVALID = ControlMessage.STATUS_INVALID_PARAMETER;
    private static final int NO_RESOURCES = ControlMessage.STATUS_INSUFFICIENT_RESOURCES;
    private static final int UNSUCCESSFUL = ControlMessage.STATUS_UNSUCCESSFUL;

    private final EchoDevice device = new EchoDevice(1);

    @Test
    void shouldRefuseVersion6AndThenSpeak52() throws IOException {
        try (RawGuest guest = new RawGuest(device)) {
            for (int refused : new int[] {0x60000, 0x50001, 0x40000, 0, -1}) {
                guest.frames.send(4, new InitiateContact(refused, 0, 2, 0, 0));
                assertThat(guest.receive()).isEqualTo(new VersionResponse(0, 0, 0));
            }
            guest.connected(VmbusVersion.V5_2);
            assertThat(guest.host.version()).isEqualTo(VmbusVersion.V5_2);
            assertThat(guest.host.statistics().get(HostBusEvent.VERSION_REFUSED)).isEqualTo(5);
            assertThat(guest.reports).containsOnlyOnce("VERSION_REFUSED: version=6.0");
            openFirst(guest);
            guest.post(new ModifyChannel(1, 1));
            guest.expectSilence();
            assertThat(requireNonNull(device.opened.peek()).targetCpu()).isEqualTo(1);
        }
    }

    @Test
    void shouldDropWhatComesBeforeContactOrAtTheWrongAddress() throws IOException {
        try (RawGuest guest = new RawGuest(device)) {
            guest.post(new RequestOffers());
            guest.post(new Unload());
            guest.frames.send(5, new InitiateContact(0x50003, 0, 2, 0, 0));
            guest.connected();
            assertThat(guest.host.statistics().get(HostBusEvent.OUT_OF_ORDER_MESSAGE)).isEqualTo(2);
            guest.frames.send(1, new RequestOffers());
            guest.frames.send(4, new CloseChannel(1));
            guest.post(new GpadlTorndown(1));
            assertThat(guest.dropped(HostBusEvent.MISDIRECTED_MESSAGE)).isEqualTo(4);
            guest.post(new RequestOffers());
            assertThat(guest.dropped(HostBusEvent.OUT_OF_ORDER_MESSAGE)).isEqualTo(3);
        }
    }

    @Test
    void shouldDropFramesThatAreNone() throws IOException {
        try (RawGuest guest = new RawGuest(device);
                EventFd event = EventFd.create()) {
            guest.connected();
            guest.postBytes(new byte[] {1});
            guest.postBytes(new byte[FrameSocket.MAX_FRAME_BYTES + 1]);
            guest.postBytes(new byte[] {7, 0, 0, 0, 0, 0, 0, 0});
            guest.postBytes(new byte[] {1, 0, 0, 0, 0, 0, 0, 0}, guest.memfd);
            guest.postBytes(new byte[] {2, 0, 0, 0, 1, 0, 0, 0}, event.fd());
            guest.postBytes(new byte[] {0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0}, event.fd());
            assertThat(guest.dropped(HostBusEvent.MALFORMED_FRAME)).isEqualTo(6);
            guest.postBytes(new byte[] {0, 0, 0, 0, 16, 0, 0, 0});
            guest.postBytes(new byte[] {0, 0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0});
            guest.postBytes(new byte[] {0, 0, 0, 0, 16, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0});
            assertThat(guest.dropped(HostBusEvent.MALFORMED_MESSAGE)).isEqualTo(3);
        }
    }

    @Test
    void shouldDropGpadlPartsThatFitNothing() throws IOException {
        try (RawGuest guest = new RawGuest(device).connected()) {
            GpadlWords words = GpadlWords.of(new long[] {1, 2}, 0, 2);
            guest.post(new GpadlBody(0, 5, words));
            guest.post(new GpadlTeardown(1, 5));
            assertThat(guest.dropped(HostBusEvent.UNKNOWN_GPADL)).isEqualTo(2);
            guest.post(new GpadlHeader(77, 5, 16, 1, words));
            assertThat(guest.dropped(HostBusEvent.UNKNOWN_RELID)).isEqualTo(1);
            assertThat(guest.gpadl(1, 5, 1, 2)).isEqualTo(OK);
            guest.post(new GpadlHeader(1, 5, 16, 1, words));
            guest.post(new GpadlBody(0, 5, words));
            assertThat(guest.dropped(HostBusEvent.DUPLICATE_GPADL)).isEqualTo(1);
            assertThat(guest.dropped(HostBusEvent.UNKNOWN_GPADL)).isEqualTo(3);
            guest.post(new GpadlHeader(1, 6, 24, 2, words));
            guest.post(new GpadlBody(0, 6, words));
            assertThat(guest.receive()).isEqualTo(new GpadlCreated(1, 6, INVALID));
            guest.post(new GpadlTeardown(2, 5));
            assertThat(guest.dropped(HostBusEvent.UNKNOWN_GPADL)).isEqualTo(4);
            guest.post(new GpadlTeardown(1, 5));
            assertThat(guest.receive()).isEqualTo(new GpadlTorndown(5));
        }
    }

    @Test
    void shouldAnswerTeardownOfAnUnfinishedGpadl() throws IOException {
        try (RawGuest guest = new RawGuest(device).connected()) {
            guest.post(Gpadl.messages(1, 5, new long[100]).getFirst());
            guest.ringDoorbells(1);
            assertThat(guest.open(1, 5, 50)).isEqualTo(INVALID);
            guest.post(new GpadlTeardown(1, 5));
            assertThat(guest.receive()).isEqualTo(new GpadlTorndown(5));
        }
    }

    @Test
    void shouldKeepGpadlsWithinLimitsThatItNames() throws IOException {
        HostLimits limits = new HostLimits(1, 4, 3, 100, HostMemoryLimits.DEFAULT);
        try (RawGuest guest = new RawGuest(limits, device).connected()) {
            assertThat(guest.gpadl(1, 1, LongStream.range(1, 90).toArray())).isEqualTo(OK);
            guest.post(Gpadl.messages(1, 2, LongStream.range(1, 50).toArray()).getFirst());
            assertThat(guest.receive()).isEqualTo(new GpadlCreated(1, 2, NO_RESOURCES));
            assertThat(guest.reports.getLast())
                    .isEqualTo("LIMIT_REACHED: gpadlPagesMax=100 pages=90 asked=50");
            assertThat(guest.gpadl(1, 3, 1)).isEqualTo(OK);
            assertThat(guest.gpadl(1, 4, 1)).isEqualTo(OK);
            assertThat(guest.gpadl(1, 5, 1)).isEqualTo(NO_RESOURCES);
            guest.post(new GpadlTeardown(1, 1));
            assertThat(guest.receive()).isEqualTo(new GpadlTorndown(1));
            assertThat(guest.gpadl(1, 5, LongStream.range(1, 90).toArray())).isEqualTo(OK);
            assertThat(guest.host.statistics().get(HostBusEvent.LIMIT_REACHED)).isEqualTo(2);
        }
    }

    @Test
    void shouldRefuseOpensThatCannotBe() throws IOException {
        try (RawGuest guest = new RawGuest(device, new EchoDevice(2)).connected()) {
            guest.post(new OpenChannel(99, 1, 5, 0, 4, UserData.NONE));
            assertThat(guest.dropped(HostBusEvent.UNKNOWN_RELID)).isEqualTo(1);
            assertThat(guest.open(1, 5, 4)).as("no GPADL").isEqualTo(INVALID);
            assertThat(guest.gpadl(1, 5, 0, 1, 2, 3)).isEqualTo(OK);
            assertThat(guest.open(1, 5, 2)).as("no doorbells").isEqualTo(INVALID);
            guest.ringDoorbells(2);
            assertThat(guest.open(2, 5, 2)).as("another channel's GPADL").isEqualTo(INVALID);
            guest.ringDoorbells(1);
            assertThat(guest.open(1, 5, 2)).isEqualTo(OK);
            assertThat(guest.open(1, 5, 2)).as("double open").isEqualTo(UNSUCCESSFUL);
            guest.ringDoorbells(1);
            assertThat(guest.dropped(HostBusEvent.DOORBELLS_REFUSED)).isEqualTo(1);
            assertThat(guest.host.statistics().get(HostBusEvent.OPEN_REFUSED)).isEqualTo(4);
            assertThat(device.opened).hasSize(1);
        }
    }

    @Test
    void shouldTearDownAGpadlInUseOnlyAfterItsChannelClosed() throws IOException {
        try (RawGuest guest = new RawGuest(device).connected()) {
            openFirst(guest);
            guest.post(new GpadlTeardown(1, 5));
            guest.post(new GpadlTeardown(1, 5));
            guest.expectSilence();
            assertThat(device.closed).isEmpty();
            guest.post(new CloseChannel(1));
            assertThat(guest.receive()).isEqualTo(new GpadlTorndown(5));
            assertThat(device.closed).hasSize(1);
            guest.post(new CloseChannel(1));
            guest.post(new RelidReleased(1));
            assertThat(guest.dropped(HostBusEvent.WRONG_CHANNEL_STATE)).isEqualTo(2);
        }
    }

    @Test
    void shouldAnswerWhatRacedWithARescind() throws IOException {
        try (RawGuest guest = new RawGuest(device).connected()) {
            openFirst(guest);
            requireNonNull(device.opened.peek()).rescind();
            assertThat(guest.receive()).isEqualTo(new RescindChannelOffer(1));
            assertThat(guest.open(1, 5, 2)).isEqualTo(UNSUCCESSFUL);
            assertThat(guest.gpadl(1, 6, 1)).isEqualTo(UNSUCCESSFUL);
            guest.post(new ModifyChannel(1, 2));
            assertThat(guest.receive()).isEqualTo(new ModifyChannelResponse(1, UNSUCCESSFUL));
            guest.post(new CloseChannel(1));
            guest.post(new GpadlTeardown(1, 5));
            assertThat(guest.receive()).isEqualTo(new GpadlTorndown(5));
            assertThat(guest.gpadl(1, 7, 1)).isEqualTo(UNSUCCESSFUL);
            guest.post(new RelidReleased(1));
            guest.post(new CloseChannel(1));
            assertThat(guest.dropped(HostBusEvent.UNKNOWN_RELID)).isEqualTo(1);
        }
    }

    @Test
    void shouldStartOverAfterUnloadAndAfterContactWithoutUnload() throws IOException {
        try (RawGuest guest = new RawGuest(device)) {
            contact(guest, true);
            openFirst(guest);
            guest.post(new Unload());
            assertThat(guest.receive()).isInstanceOf(UnloadResponse.class);
            assertThat(device.closed).hasSize(1);
            contact(guest, false);
            openFirst(guest);
            // Not even an unload: a kernel that crashed and booted again.
            contact(guest, false);
            assertThat(device.closed).hasSize(2);
            openFirst(guest);
            assertThat(guest.host.statistics().get(HostBusEvent.DISCONNECTED)).isEqualTo(2);
        }
        assertThat(device.closed).hasSize(3);
    }

    @Test
    void shouldLeaveNoDescriptorBehindWhateverWasSent() throws IOException {
        shouldRefuseOpensThatCannotBe();
        long before = Descriptors.open();
        device.opened.clear();
        shouldDropFramesThatAreNone();
        device.opened.clear();
        shouldRefuseOpensThatCannotBe();
        assertThat(Descriptors.open()).isEqualTo(before);
    }

    /** Contact and offers; the memory only once, since it survives. */
    private static void contact(RawGuest guest, boolean memory) throws IOException {
        if (memory) {
            guest.connected();
            return;
        }
        guest.frames.send(4, new InitiateContact(VmbusVersion.V5_3.number(), 0, 2, 0, 0));
        assertThat(guest.expect(VersionResponse.class).supported()).isEqualTo(1);
        guest.post(new RequestOffers());
        assertThat(guest.expectOffer().relid()).isEqualTo(1);
        guest.receive();
    }

    private static void openFirst(RawGuest guest) throws IOException {
        assertThat(guest.gpadl(1, 5, 0, 1, 2, 3)).isEqualTo(OK);
        guest.ringDoorbells(1);
        assertThat(guest.open(1, 5, 2)).isEqualTo(OK);
    }
}
