package dev.airlock.vmbus.guest;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.Doorbells;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.UserData;
import dev.airlock.vmbus.VmbusVersion;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.MessageType;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RelidReleased;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/** Opens, modifies and closes channels of a bus: GPADL, doorbells, rings. Thread-safe. */
final class ChannelSetup {
    /** First GPADL handle; any but 0. */
    private static final int FIRST_GPADL = 0x1000;

    private final GuestBus bus;
    private final GuestMemory memory;
    private final OfferTable offers;
    private final AtomicInteger nextGpadl = new AtomicInteger(FIRST_GPADL);
    private final AtomicInteger nextOpenId = new AtomicInteger(1);

    ChannelSetup(GuestBus bus, GuestMemory memory, OfferTable offers) {
        this.bus = bus;
        this.memory = memory;
        this.offers = offers;
    }

    GuestChannel open(Offer offer, long ringGpa, int outBytes, int inBytes, int targetCpu)
            throws ChannelOpenException {
        long bytes = (long) outBytes + inBytes;
        if (!HvPage.isAligned(ringGpa)
                || !RingLayout.isValidRingBytes(outBytes)
                || !RingLayout.isValidRingBytes(inBytes)
                || bytes >>> HvPage.SHIFT > Gpadl.MAX_PAGES
                || !memory.isVisible(ringGpa, bytes)) {
            throw new IllegalArgumentException(
                    "rings must be visible whole pages: ringGpa=%#x outBytes=%d inBytes=%d"
                            .formatted(ringGpa, outBytes, inBytes));
        }
        if (!offers.claim(offer)) {
            throw new ChannelOpenException(
                    "offer is gone or its channel open: relid=" + offer.relid(), true, null);
        }
        MemorySegment out = memory.bytes().asSlice(ringGpa, outBytes);
        MemorySegment in = memory.bytes().asSlice(ringGpa + outBytes, inBytes);
        RingLayout.initialize(out);
        RingLayout.initialize(in);
        int gpadl = nextGpadl.getAndIncrement();
        try {
            establish(offer.relid(), gpadl, ringGpa, bytes);
            Doorbells doorbells = giveDoorbells(offer.relid());
            try {
                GuestChannel channel =
                        new GuestChannel(bus, offer, gpadl, out, in, doorbells, targetCpu);
                askToOpen(offer.relid(), gpadl, outBytes, targetCpu);
                offers.opened(channel);
                // Lost between the answer and here: nobody else would tell this channel.
                if (bus.isLost() || bus.isUnloaded()) {
                    channel.markBusLost();
                }
                return channel;
            } catch (IOException | RuntimeException e) {
                doorbells.close();
                throw e;
            }
        } catch (IOException e) {
            boolean released = takeBack(offer, gpadl);
            throw new ChannelOpenException(
                    "channel not opened: relid=%d: %s".formatted(offer.relid(), e.getMessage()),
                    released,
                    e);
        }
    }

    /**
     * Ends a channel towards the host.
     *
     * @return whether the host confirmed that it does not use the rings any more
     */
    boolean release(GuestChannel channel) {
        return takeBack(channel.offer(), channel.gpadl());
    }

    void modify(GuestChannel channel, int cpu) throws IOException {
        int relid = channel.offer().relid();
        ModifyChannel message = new ModifyChannel(relid, cpu);
        VmbusVersion version = bus.version();
        if (!version.answersModifyChannel()) {
            bus.post(message);
            return;
        }
        ControlMessage answer =
                bus.ask(MessageType.MODIFY_CHANNEL_RESPONSE, relid, 0, () -> bus.post(message));
        if (answer instanceof ModifyChannelResponse r) {
            requireSuccess("MODIFY_CHANNEL", r.status());
        }
    }

    private void establish(int relid, int gpadl, long gpa, long bytes) throws IOException {
        long[] pfns = new long[(int) (bytes >>> HvPage.SHIFT)];
        for (int i = 0; i < pfns.length; i++) {
            pfns[i] = (gpa >>> HvPage.SHIFT) + i;
        }
        ControlMessage answer =
                bus.ask(
                        MessageType.GPADL_CREATED,
                        relid,
                        gpadl,
                        () -> {
                            for (ControlMessage part : Gpadl.messages(relid, gpadl, pfns)) {
                                bus.post(part);
                            }
                        });
        if (answer instanceof GpadlCreated c) {
            requireSuccess("GPADL", c.status());
        }
    }

    private Doorbells giveDoorbells(int relid) throws IOException {
        EventFd toHost = EventFd.create();
        EventFd fromHost;
        try {
            fromHost = EventFd.create();
        } catch (LinuxException e) {
            toHost.close();
            throw e;
        }
        Doorbells doorbells = new Doorbells(toHost, fromHost);
        try {
            bus.frames().sendDoorbells(relid, toHost.fd(), fromHost.fd());
            return doorbells;
        } catch (IOException e) {
            doorbells.close();
            throw e;
        }
    }

    private void askToOpen(int relid, int gpadl, int outBytes, int targetCpu) throws IOException {
        int openId = nextOpenId.getAndIncrement();
        OpenChannel message =
                new OpenChannel(
                        relid, openId, gpadl, targetCpu, outBytes >>> HvPage.SHIFT, UserData.NONE);
        ControlMessage answer =
                bus.ask(MessageType.OPEN_CHANNEL_RESULT, relid, openId, () -> bus.post(message));
        if (answer instanceof OpenChannelResult r) {
            requireSuccess("OPEN_CHANNEL", r.status());
        }
    }

    /**
     * Closes the channel if the host has it open, and takes the GPADL back. Close is sent also
     * where an open failed: an answer that never came may have been a success, and a host drops a
     * needless close.
     */
    private boolean takeBack(Offer offer, int gpadl) {
        int relid = offer.relid();
        boolean released = bus.isUnloaded();
        if (!released && !bus.isLost()) {
            try {
                bus.ask(
                        MessageType.GPADL_TORNDOWN,
                        gpadl,
                        0,
                        () -> {
                            bus.post(new CloseChannel(relid));
                            bus.post(new GpadlTeardown(relid, gpadl));
                        });
                released = true;
            } catch (IOException e) {
                released = bus.isUnloaded();
            }
        }
        if (offers.unclaim(offer) && !bus.isLost() && !bus.isUnloaded()) {
            try {
                bus.post(new RelidReleased(relid));
            } catch (IOException e) {
                // The bus is going down, and the relid with it.
            }
        }
        return released;
    }

    private static void requireSuccess(String request, int status) throws IOException {
        if (status != ControlMessage.STATUS_SUCCESS) {
            throw new IOException("host refuses: request=%s status=%#x".formatted(request, status));
        }
    }
}
