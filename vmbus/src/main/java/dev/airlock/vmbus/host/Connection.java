package dev.airlock.vmbus.host;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.Memfd;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.vmbus.VmbusVersion;
import dev.airlock.vmbus.host.ChannelTable.Slot;
import dev.airlock.vmbus.host.ChannelTable.State;
import dev.airlock.vmbus.message.AllOffersDelivered;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.MessageType;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.TlConnectRequest;
import dev.airlock.vmbus.message.TlConnectResult;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.message.UnloadResponse;
import dev.airlock.vmbus.message.VersionResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The state of the control protocol with one guest: version, offers, channels, GPADLs. All methods
 * run on the bus's thread, except where said. Throws only when the guest cannot be sent to.
 *
 * <p>What is answered and what is dropped follows Hyper-V as OpenVMM's {@code vmbus_server}
 * documents it: whatever may come from a guest that raced with a rescind is answered with a
 * failure, whatever no sound guest sends is dropped.
 */
final class Connection {
    /** Linux {@code VMBUS_MESSAGE_CONNECTION_ID}: contact before 5.0, still open for it. */
    private static final int CONTACT_CONNECTION_ID_1 = 1;

    /** Linux {@code VMBUS_MESSAGE_CONNECTION_ID_4}: contact since 5.0. */
    private static final int CONTACT_CONNECTION_ID_4 = 4;

    private final HostBus bus;
    private final List<HostDevice> devices;
    private final ChannelTable channels;
    private final Gpadls gpadls;
    private final ChannelOpener opener;
    private final int channelsMax;
    private volatile @Nullable VmbusVersion version;
    private volatile int channelCount;
    private boolean offersRequested;

    Connection(HostBus bus, HostLimits limits, List<? extends HostDevice> devices) {
        this.bus = bus;
        this.devices = new ArrayList<>(devices);
        this.channelsMax = limits.channelsMax();
        this.channels = new ChannelTable(channelsMax);
        this.gpadls = new Gpadls(bus, channels, limits);
        this.opener = new ChannelOpener(bus, gpadls);
    }

    /** From any thread. */
    @Nullable VmbusVersion version() {
        return version;
    }

    /** Channels that could still be offered beside those of other devices. From any thread. */
    int subchannelsPossible(int primaryRelid) {
        return primaryRelid == 0 ? 0 : Math.max(0, channelsMax - channelCount);
    }

    void handle(int connectionId, ControlMessage message) throws IOException {
        bus.count(HostBusEvent.MESSAGE);
        MessageType type = message.type();
        boolean contact = type == MessageType.INITIATE_CONTACT || type == MessageType.UNLOAD;
        if (!type.isFromGuest() || !isRightAddress(connectionId, contact)) {
            bus.refuse(
                    HostBusEvent.MISDIRECTED_MESSAGE,
                    "message=%s connectionId=%#x".formatted(type, connectionId));
            return;
        }
        if (version == null && type != MessageType.INITIATE_CONTACT) {
            bus.refuse(HostBusEvent.OUT_OF_ORDER_MESSAGE, "before contact: message=" + type);
            return;
        }
        switch (message) {
            case InitiateContact m -> initiateContact(m);
            case RequestOffers m -> requestOffers();
            case GpadlHeader m -> gpadls.header(m);
            case GpadlBody m -> gpadls.body(m);
            case GpadlTeardown m -> gpadls.teardown(m);
            case OpenChannel m -> open(m);
            case CloseChannel m -> close(m);
            case ModifyChannel m -> modify(m);
            case RelidReleased m -> released(m);
            case TlConnectRequest m -> refuseSocket(m);
            case Unload m -> unload();
            default -> throw new AssertionError("not from a guest: " + type);
        }
        channelCount = channels.size();
    }

    /** Takes the journal that came with a frame, for the channel's next open. */
    void setJournal(int relid, ReceivedMessage received) {
        Slot slot = channels.get(relid);
        if (slot == null || slot.state != State.OFFERED) {
            bus.refuse(
                    HostBusEvent.JOURNAL_REFUSED,
                    "for a channel not on offer: relid=" + Integer.toUnsignedString(relid));
            return;
        }
        try (Fd memfd = received.takeFd()) {
            Memfd.requireSealed(memfd, HostChannel.JOURNAL_BYTES);
            slot.setJournal(Mapping.shared(memfd, 0, HostChannel.JOURNAL_BYTES));
        } catch (LinuxException e) {
            bus.refuse(HostBusEvent.JOURNAL_REFUSED, e.getMessage());
        }
    }

    /** Takes the doorbells that came with a frame, for the channel's next open. */
    void setDoorbells(int relid, ReceivedMessage received) {
        Slot slot = channels.get(relid);
        if (slot == null || slot.state != State.OFFERED) {
            bus.refuse(
                    HostBusEvent.DOORBELLS_REFUSED,
                    "doorbells for a channel not on offer: relid="
                            + Integer.toUnsignedString(relid));
            return;
        }
        EventFd fromGuest = null;
        try {
            fromGuest = EventFd.adopt(received.takeFd());
            slot.setDoorbells(fromGuest, EventFd.adopt(received.takeFd()));
        } catch (LinuxException e) {
            if (fromGuest != null) {
                fromGuest.close();
            }
            bus.refuse(HostBusEvent.DOORBELLS_REFUSED, e.getMessage());
        }
    }

    void add(HostDevice device) throws IOException {
        devices.add(device);
        if (offersRequested) {
            offer(device);
        }
        channelCount = channels.size();
    }

    void offerSubchannels(int primaryRelid, int count) throws IOException {
        Slot primary = channels.get(primaryRelid);
        if (primary == null || primary.state != State.OPEN || primary.offer.isSubchannel()) {
            return;
        }
        List<Slot> live = channels.liveSubchannels(primary.device);
        for (int index = 1; live.size() < count; index++) {
            int wanted = index;
            if (live.stream().anyMatch(s -> s.offer.subchannelIndex() == wanted)) {
                continue;
            }
            Slot slot = channels.add(primary.device, primary.offer, index);
            if (slot == null) {
                bus.refuse(HostBusEvent.LIMIT_REACHED, "channelsMax=" + channelsMax);
                break;
            }
            live.add(slot);
            bus.send(new OfferChannel(slot.offer));
        }
        channelCount = channels.size();
    }

    void rescind(int relid) throws IOException {
        Slot slot = channels.get(relid);
        if (slot == null || slot.state == State.RESCINDED) {
            return;
        }
        if (!slot.offer.isSubchannel()) {
            devices.remove(slot.device);
            rescindSubchannels(slot.device);
        }
        take(slot);
    }

    /** Ends everything without telling the guest: it left, or starts over. */
    void reset() {
        for (Slot slot : channels.subchannelsFirst()) {
            opener.close(slot);
        }
        channels.clear();
        gpadls.clear();
        channelCount = 0;
        offersRequested = false;
        if (version != null) {
            version = null;
            bus.count(HostBusEvent.DISCONNECTED);
        }
    }

    private static boolean isRightAddress(int connectionId, boolean contact) {
        return connectionId == HostBus.MESSAGE_CONNECTION_ID
                || (contact
                        && (connectionId == CONTACT_CONNECTION_ID_1
                                || connectionId == CONTACT_CONNECTION_ID_4));
    }

    private void initiateContact(InitiateContact m) throws IOException {
        reset();
        VmbusVersion asked = VmbusVersion.supported(m.version());
        if (asked == null) {
            bus.refuse(
                    HostBusEvent.VERSION_REFUSED, "version=" + VmbusVersion.describe(m.version()));
            bus.send(new VersionResponse(0, VersionResponse.SUCCESSFUL, 0));
            return;
        }
        version = asked;
        bus.send(new VersionResponse(1, VersionResponse.SUCCESSFUL, HostBus.MESSAGE_CONNECTION_ID));
    }

    private void requestOffers() throws IOException {
        if (offersRequested) {
            bus.refuse(HostBusEvent.OUT_OF_ORDER_MESSAGE, "offers were requested before");
            return;
        }
        offersRequested = true;
        for (HostDevice device : devices) {
            offer(device);
        }
        bus.send(new AllOffersDelivered());
    }

    private void offer(HostDevice device) throws IOException {
        Slot slot = channels.add(device, device.offer(), 0);
        if (slot == null) {
            bus.refuse(HostBusEvent.LIMIT_REACHED, "channelsMax=" + channelsMax);
        } else {
            bus.send(new OfferChannel(slot.offer));
        }
    }

    private void open(OpenChannel m) throws IOException {
        Slot slot = known(m.relid());
        if (slot != null) {
            opener.open(slot, m);
        }
    }

    private void close(CloseChannel m) throws IOException {
        Slot slot = known(m.relid());
        if (slot == null || slot.state == State.RESCINDED) {
            return;
        }
        if (slot.state != State.OPEN) {
            wrongState(MessageType.CLOSE_CHANNEL, slot);
            return;
        }
        if (!slot.offer.isSubchannel()) {
            // Hyper-V takes the sub-channels back when their primary channel closes.
            rescindSubchannels(slot.device);
        }
        endRings(slot);
    }

    private void modify(ModifyChannel m) throws IOException {
        Slot slot = known(m.relid());
        if (slot == null) {
            return;
        }
        int status = ControlMessage.STATUS_SUCCESS;
        ChannelTable.OpenRings rings = slot.open;
        if (rings == null) {
            wrongState(MessageType.MODIFY_CHANNEL, slot);
            status = ControlMessage.STATUS_UNSUCCESSFUL;
        } else {
            rings.channel().setTargetCpu(m.targetCpu());
        }
        VmbusVersion spoken = version;
        if (spoken != null && spoken.answersModifyChannel()) {
            bus.send(new ModifyChannelResponse(m.relid(), status));
        }
    }

    private void released(RelidReleased m) {
        Slot slot = known(m.relid());
        if (slot == null) {
            return;
        }
        if (slot.state != State.RESCINDED) {
            wrongState(MessageType.RELID_RELEASED, slot);
            return;
        }
        gpadls.removeChannel(m.relid());
        channels.remove(m.relid());
    }

    private void refuseSocket(TlConnectRequest m) throws IOException {
        bus.refuse(HostBusEvent.SOCKET_REFUSED, "service=" + m.service());
        bus.send(
                new TlConnectResult(
                        m.endpoint(), m.service(), ControlMessage.STATUS_CONNECTION_REFUSED));
    }

    private void unload() throws IOException {
        reset();
        bus.send(new UnloadResponse());
    }

    private void rescindSubchannels(HostDevice device) throws IOException {
        for (Slot slot : channels.liveSubchannels(device)) {
            take(slot);
        }
    }

    /**
     * Rescinds one channel. The guest learns it first, so that it stops while the device winds up.
     */
    private void take(Slot slot) throws IOException {
        bus.send(new RescindChannelOffer(slot.offer.relid()));
        boolean wasOpen = slot.state == State.OPEN;
        slot.state = State.RESCINDED;
        slot.setDoorbells(null, null);
        slot.setJournal(null);
        if (wasOpen) {
            endRings(slot);
        }
    }

    private void endRings(Slot slot) throws IOException {
        ChannelTable.OpenRings rings = slot.open;
        opener.close(slot);
        if (rings != null) {
            gpadls.unused(rings.gpadl());
        }
    }

    private @Nullable Slot known(int relid) {
        Slot slot = channels.get(relid);
        if (slot == null) {
            bus.refuse(
                    HostBusEvent.UNKNOWN_RELID,
                    "no channel: relid=" + Integer.toUnsignedString(relid));
        }
        return slot;
    }

    private void wrongState(MessageType message, Slot slot) {
        bus.refuse(
                HostBusEvent.WRONG_CHANNEL_STATE,
                "message=%s relid=%d state=%s".formatted(message, slot.offer.relid(), slot.state));
    }
}
