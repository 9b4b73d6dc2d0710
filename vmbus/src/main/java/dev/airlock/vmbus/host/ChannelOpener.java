package dev.airlock.vmbus.host;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.memory.HvPage;
import dev.airlock.memory.MemoryRefusedException;
import dev.airlock.vmbus.Doorbells;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.host.ChannelTable.OpenRings;
import dev.airlock.vmbus.host.ChannelTable.Slot;
import dev.airlock.vmbus.host.ChannelTable.State;
import dev.airlock.vmbus.host.GpadlTable.Entry;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Opens and closes channels: rings mapped, doorbells joined, device told. For the bus's thread. */
final class ChannelOpener {
    /** How long a device may take to let go before the guest's doorbell is cut off. */
    private static final long SIGNAL_GRACE_MS = 2_000;

    private final HostBus bus;
    private final Gpadls gpadls;

    ChannelOpener(HostBus bus, Gpadls gpadls) {
        this.bus = bus;
        this.gpadls = gpadls;
    }

    /** Opens if all is right, and answers. */
    void open(Slot slot, OpenChannel m) throws IOException {
        int status;
        try {
            status = tryOpen(slot, m);
        } catch (LinuxException e) {
            bus.refuse(HostBusEvent.OPEN_REFUSED, e.getMessage());
            status = ControlMessage.STATUS_INSUFFICIENT_RESOURCES;
        }
        bus.send(new OpenChannelResult(m.relid(), m.openId(), status));
    }

    /** Ends an open channel; nothing of it is used when this returns. Does nothing to another. */
    void close(Slot slot) {
        OpenRings rings = slot.open;
        if (rings == null) {
            return;
        }
        HostChannel channel = rings.channel();
        channel.end();
        Thread guard = silenceIfStuck(channel);
        try {
            slot.device.closed(channel);
        } catch (RuntimeException e) {
            bus.refuse(HostBusEvent.DEVICE_FAILED, "closed " + channel + ": " + e);
        }
        guard.interrupt();
        channel.doorbells().close();
        rings.mapping().close();
        close(rings.journal());
        slot.open = null;
        if (slot.state == State.OPEN) {
            slot.state = State.OFFERED;
        }
        bus.count(HostBusEvent.CHANNEL_CLOSED);
    }

    private int tryOpen(Slot slot, OpenChannel m) throws LinuxException {
        if (slot.state != State.OFFERED) {
            return refuse(m, "state=" + slot.state, ControlMessage.STATUS_UNSUCCESSFUL);
        }
        Entry entry = gpadls.usable(m.gpadl(), m.relid());
        Gpadl gpadl = entry == null ? null : entry.gpadl;
        if (entry == null || gpadl == null) {
            return refuse(m, "no such GPADL", ControlMessage.STATUS_INVALID_PARAMETER);
        }
        long[] pfns = gpadl.wholePages();
        if (pfns == null || !areRings(pfns.length, m.downstreamPageOffset())) {
            return refuse(m, "not two rings", ControlMessage.STATUS_INVALID_PARAMETER);
        }
        EventFd fromGuest = slot.fromGuest;
        EventFd toGuest = slot.toGuest;
        if (fromGuest == null || toGuest == null) {
            return refuse(m, "no doorbells", ControlMessage.STATUS_INVALID_PARAMETER);
        }
        Mapping mapping;
        try {
            mapping = bus.memory().mapPages(pfns);
        } catch (MemoryRefusedException e) {
            return refuse(m, e.getMessage(), ControlMessage.STATUS_INVALID_PARAMETER);
        }
        // From here the doorbells belong to the channel.
        slot.fromGuest = null;
        slot.toGuest = null;
        Doorbells doorbells;
        try {
            doorbells = new Doorbells(toGuest, fromGuest);
        } catch (LinuxException e) {
            mapping.close();
            throw e;
        }
        return start(slot, m, entry, mapping, doorbells);
    }

    private int start(Slot slot, OpenChannel m, Entry entry, Mapping mapping, Doorbells doorbells) {
        MemorySegment rings = mapping.segment();
        long downstreamAt = (long) m.downstreamPageOffset() << HvPage.SHIFT;
        Mapping journal = slot.takeJournal();
        HostChannel channel =
                new HostChannel(
                        bus,
                        slot.offer,
                        rings.asSlice(0, downstreamAt),
                        rings.asSlice(downstreamAt),
                        doorbells,
                        bus.memory(),
                        m.userData(),
                        m.targetCpu(),
                        journal == null ? null : journal.segment());
        try {
            slot.device.opened(channel);
        } catch (RuntimeException e) {
            bus.refuse(HostBusEvent.DEVICE_FAILED, "opened " + channel + ": " + e);
            channel.end();
            doorbells.close();
            mapping.close();
            close(journal);
            return ControlMessage.STATUS_UNSUCCESSFUL;
        }
        entry.inUse = true;
        slot.open = new OpenRings(channel, mapping, journal, m.gpadl());
        slot.state = State.OPEN;
        bus.count(HostBusEvent.CHANNEL_OPENED);
        return ControlMessage.STATUS_SUCCESS;
    }

    /** Both parts must be rings of their own: control page, data, not too large. */
    private static boolean areRings(int pages, int downstreamPageOffset) {
        return downstreamPageOffset > 0
                && downstreamPageOffset < pages
                && RingLayout.isValidRingBytes((long) downstreamPageOffset << HvPage.SHIFT)
                && RingLayout.isValidRingBytes(
                        (long) (pages - downstreamPageOffset) << HvPage.SHIFT);
    }

    /**
     * A guest can make its eventfd block the device thread that rings it, which the device then
     * waits for: cut the doorbell off when the device does not let go in time.
     */
    private static Thread silenceIfStuck(HostChannel channel) {
        return Thread.ofPlatform()
                .daemon()
                .name("vmbus-close-guard")
                .start(() -> {
                    try {
                        Thread.sleep(SIGNAL_GRACE_MS);
                        channel.doorbells().silence();
                    } catch (InterruptedException closed) {
                        // The device let go in time.
                    }
                });
    }

    private static void close(@Nullable Mapping mapping) {
        if (mapping != null) {
            mapping.close();
        }
    }

    private int refuse(OpenChannel m, @Nullable String why, int status) {
        bus.refuse(
                HostBusEvent.OPEN_REFUSED,
                "relid=%d gpadl=%#x: %s".formatted(m.relid(), m.gpadl(), why));
        return status;
    }
}
