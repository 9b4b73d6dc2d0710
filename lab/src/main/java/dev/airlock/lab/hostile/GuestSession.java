package dev.airlock.lab.hostile;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.EventCounts;
import dev.airlock.vmbus.UserData;
import dev.airlock.vmbus.message.AllOffersDelivered;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.Unload;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One connection of a hostile guest: makes contact, opens channels, and then sends whatever its
 * dice say until it has had enough or is thrown out. For one thread. Owns socket and doorbells.
 */
final class GuestSession implements AutoCloseable {
    private static final int CONTROL_BURST_MAX = 60;
    private static final int SCRIBBLED_ONE_IN = 8;

    /** Of so many steps one opens a channel anew, and... */
    private static final int CHANCES = 200;

    private static final int CONTROL_CHANCES = 36;
    private static final int DESCRIPTOR_CHANCES = 3;
    private static final long PAUSE_NANOS = 20_000;

    private final GuestPages pages;
    private final ControlForge control;
    private final FrameForge frames;
    private final RequestForge requests;
    private final Scribbler scribbler;
    private final EventCounts<HostileEvent> counts;
    private final Dice dice;
    private final GuestLink link;

    /** Open channels by the slot of their rings; null where none is. */
    private final @Nullable GuestChannelStorm[] channels =
            new @Nullable GuestChannelStorm[GuestPages.CHANNELS];

    /** Channels on offer by relid; the value says whether it is the primary one. */
    private final TreeMap<Integer, Boolean> offers = new TreeMap<>();

    private final List<Integer> rescinded = new ArrayList<>();
    private int awaitedOpenId;
    private int openStatus;
    private boolean contactLost;
    private boolean scribbled;

    GuestSession(
            UnixSocket socket,
            GuestPages pages,
            ControlForge control,
            FrameForge frames,
            RequestForge requests,
            Scribbler scribbler,
            EventCounts<HostileEvent> counts,
            Dice dice) {
        this.pages = pages;
        this.control = control;
        this.frames = frames;
        this.requests = requests;
        this.scribbler = scribbler;
        this.counts = counts;
        this.dice = dice;
        link = new GuestLink(socket, this::seen);
    }

    /**
     * Does harm.
     *
     * @param steps batches and bursts, at most
     */
    void run(int steps) throws LinuxException {
        pages.place(dice);
        if (dice.oneIn(4)) {
            // Before contact everything is out of order.
            controlBurst();
        }
        if (!contact()) {
            return;
        }
        scribbled = dice.oneIn(SCRIBBLED_ONE_IN);
        if (scribbled) {
            int first = dice.oneIn(3) ? 0 : GuestPages.FIRST_DATA_PAGE;
            scribbler.start(first, GuestPages.PAGES);
        }
        for (int i = 0; i < steps && !link.isGone(); i++) {
            step();
            if (contactLost && !contact()) {
                return;
            }
        }
    }

    /** Leaves in one of the ways guests leave, good and bad. */
    void leave() {
        scribbler.pause();
        GuestChannelStorm last = channels[0];
        if (last != null && dice.oneIn(2)) {
            // Requests under way when it goes.
            last.leaveBatch(requests, dice);
        }
        switch (dice.below(4)) {
            case 0 -> {
                for (GuestChannelStorm channel : channels) {
                    if (channel != null) {
                        link.send(control.message(new CloseChannel(channel.relid())));
                    }
                }
                link.send(control.message(new Unload()));
            }
            case 1 -> link.send(control.message(new Unload()));
            case 2 -> link.shutdown();
            default -> {
                // Goes without a word.
            }
        }
    }

    @Override
    public void close() {
        scribbler.pause();
        link.close();
        for (int slot = 0; slot < channels.length; slot++) {
            forget(slot);
        }
    }

    private void step() throws LinuxException {
        int slot = dice.below(channels.length);
        GuestChannelStorm channel = channels[slot];
        int kind = dice.below(CHANCES);
        if (kind < CONTROL_CHANCES) {
            controlBurst();
            suspectAll();
        } else if (kind < CONTROL_CHANCES + DESCRIPTOR_CHANCES) {
            descriptorBurst();
            suspectAll();
        } else if (kind < CONTROL_CHANCES + DESCRIPTOR_CHANCES + 1 && channel != null) {
            reopen(slot);
        } else if (channels[0] == null) {
            openOffered(0);
        } else if (channel == null && dice.oneIn(4)) {
            openOffered(slot);
        } else {
            storm(slot);
        }
        answerRescinds();
    }

    /**
     * Sends the next batch to the first channel from {@code slot} on that can take one; waits until
     * one can. Some channel must be open.
     */
    private void storm(int slot) throws LinuxException {
        for (int next = slot; ; next = (next + 1) % channels.length) {
            GuestChannelStorm channel = channels[next];
            if (channel != null) {
                switch (channel.batch()) {
                    case LOST -> {
                        counts.count(HostileEvent.REOPENED);
                        reopen(next);
                        return;
                    }
                    case TAKEN -> {
                        if (scribbled) {
                            channel.suspect();
                        }
                        channel.storm(requests, dice);
                        return;
                    }
                    case UNDER_WAY -> {
                        // The next, perhaps.
                    }
                }
            }
            if ((next + 1) % channels.length == slot) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    private void suspectAll() {
        for (GuestChannelStorm channel : channels) {
            if (channel != null) {
                channel.suspect();
            }
        }
    }

    /** Regions, version, offers; forgets all channels. */
    private boolean contact() {
        contactLost = false;
        offers.clear();
        for (int slot = 0; slot < channels.length; slot++) {
            forget(slot);
        }
        for (GuestPages.Region region : pages.regions()) {
            spoiledCopies(control.region(region));
            // A second time it overlaps the first and is refused.
            link.send(control.region(region), pages.memfd());
        }
        spoiledCopies(control.message(control.contact(dice)));
        link.send(control.message(control.contact(dice)));
        link.send(control.message(new RequestOffers()));
        boolean answered = link.sync();
        contactLost = false;
        return answered;
    }

    private void openOffered(int slot) throws LinuxException {
        for (var offer : offers.entrySet()) {
            boolean primary = offer.getValue();
            if (primary == (slot == 0) && !isOpen(offer.getKey())) {
                open(slot, offer.getKey());
                return;
            }
        }
    }

    private void open(int slot, int relid) throws LinuxException {
        int outPages = dice.between(2, GuestPages.RING_PAGES / 2);
        int inPages = dice.between(2, GuestPages.RING_PAGES / 2);
        int[] ring = pages.ringPages(slot, outPages + inPages, dice);
        int[] outward = Arrays.copyOf(ring, outPages);
        int[] inward = Arrays.copyOfRange(ring, outPages, ring.length);
        pages.clearControlPage(outward[0], dice);
        pages.clearControlPage(inward[0], dice);
        long[] pfns = new long[ring.length];
        for (int i = 0; i < ring.length; i++) {
            pfns[i] = pages.pfn(ring[i]);
        }
        int gpadl = control.newGpadl();
        for (ControlMessage part : Gpadl.messages(relid, gpadl, pfns)) {
            link.send(control.message(part));
        }
        EventFd bell = EventFd.create();
        EventFd ear = EventFd.create();
        link.send(control.doorbells(relid), bell.fd(), ear.fd());
        awaitedOpenId = dice.below(Integer.MAX_VALUE);
        openStatus = -1;
        spoiledCopies(
                control.message(new OpenChannel(relid, 0, gpadl, 0, outPages, UserData.NONE)));
        link.send(
                control.message(
                        new OpenChannel(
                                relid,
                                awaitedOpenId,
                                gpadl,
                                dice.below(4),
                                outPages,
                                UserData.NONE)));
        boolean opened = !contactLost && link.sync() && openStatus == ControlMessage.STATUS_SUCCESS;
        GuestChannelStorm channel =
                new GuestChannelStorm(
                        relid,
                        gpadl,
                        new RawRing(pages.bytes(), outward),
                        new RawRing(pages.bytes(), inward),
                        bell,
                        ear,
                        counts);
        if (!opened) {
            channel.close();
            link.send(control.message(new CloseChannel(relid)));
            link.send(control.message(new GpadlTeardown(relid, gpadl)));
            return;
        }
        counts.count(HostileEvent.CHANNEL);
        channels[slot] = channel;
        if (slot == 0) {
            channel.initialise(requests, channels.length - 1, dice);
            link.sync();
        }
    }

    private void reopen(int slot) throws LinuxException {
        GuestChannelStorm channel = channels[slot];
        if (channel == null) {
            return;
        }
        int relid = channel.relid();
        link.send(control.message(new CloseChannel(relid)));
        link.send(control.message(new GpadlTeardown(relid, channel.gpadl())));
        forget(slot);
        if (slot == 0) {
            // The host takes the subchannels back with their primary channel.
            for (int other = 1; other < channels.length; other++) {
                forget(other);
            }
        }
        if (link.sync()) {
            answerRescinds();
            openOffered(slot);
        }
    }

    private void controlBurst() {
        int count = dice.between(1, CONTROL_BURST_MAX);
        for (int i = 0; i < count && !link.isGone(); i++) {
            sendSpoiled(frames.spoil(control.message(control.any(dice)), dice));
        }
        link.drain();
    }

    private void descriptorBurst() {
        int count = dice.between(1, CONTROL_BURST_MAX / 4);
        for (int i = 0; i < count && !link.isGone(); i++) {
            MemorySegment valid =
                    switch (dice.below(3)) {
                        case 0 -> control.region(pages.regions()[dice.below(2)]);
                        case 1 -> control.doorbells(dice.below(6));
                        default -> control.message(new RequestOffers());
                    };
            MemorySegment frame = dice.oneIn(2) ? frames.spoil(valid, dice) : valid;
            if (link.send(frame, control.oddDescriptors(dice))) {
                counts.count(HostileEvent.FRAME);
            }
            contactLost |= ControlForge.mayReset(frame);
        }
        link.drain();
    }

    /** Sends spoiled versions of a frame ahead of it, sometimes. */
    private void spoiledCopies(MemorySegment valid) {
        for (int i = dice.oneIn(4) ? dice.between(1, 4) : 0; i > 0; i--) {
            sendSpoiled(frames.spoil(valid, dice));
        }
    }

    private void sendSpoiled(MemorySegment frame) {
        if (link.send(frame)) {
            counts.count(HostileEvent.FRAME);
        }
        contactLost |= ControlForge.mayReset(frame);
    }

    private void seen(ControlMessage message) {
        switch (message) {
            case OfferChannel m -> offers.put(m.offer().relid(), !m.offer().isSubchannel());
            case RescindChannelOffer m -> rescinded.add(m.relid());
            case OpenChannelResult m -> {
                if (m.openId() == awaitedOpenId) {
                    openStatus = m.status();
                }
            }
            case AllOffersDelivered m -> {}
            default -> {
                // Refusals and confirmations of what was not meant to be right.
            }
        }
    }

    /** Releases what the host took back; once in a while a number is kept from the host. */
    private void answerRescinds() {
        for (int relid : rescinded) {
            offers.remove(relid);
            for (int slot = 0; slot < channels.length; slot++) {
                GuestChannelStorm channel = channels[slot];
                if (channel != null && channel.relid() == relid) {
                    forget(slot);
                }
            }
            if (!dice.oneIn(16)) {
                link.send(control.message(new RelidReleased(relid)));
            }
        }
        rescinded.clear();
    }

    private boolean isOpen(int relid) {
        for (GuestChannelStorm channel : channels) {
            if (channel != null && channel.relid() == relid) {
                return true;
            }
        }
        return false;
    }

    private void forget(int slot) {
        GuestChannelStorm channel = channels[slot];
        if (channel != null) {
            channel.close();
            channels[slot] = null;
        }
    }
}
