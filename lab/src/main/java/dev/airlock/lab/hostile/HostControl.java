package dev.airlock.lab.hostile;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.memory.HvPage;
import dev.airlock.memory.MemoryRefusedException;
import dev.airlock.vmbus.EventCounts;
import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.message.AllOffersDelivered;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlAssembly;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RequestOffers;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.message.UnloadResponse;
import dev.airlock.vmbus.message.VersionResponse;
import dev.airlock.vmbus.transport.FrameSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The control protocol of a hostile host with one guest: does what the guest asks for, and answers,
 * rightly or not. For one thread. Owns what it received.
 */
final class HostControl implements AutoCloseable {
    private static final Guid INSTANCE = new Guid(0x686F_7374, 0x6C69_6521);
    private static final int PRIMARY_RELID = 1;
    private static final long SEND_TIMEOUT_MS = 5;

    private final UnixSocket socket;
    private final FrameForge frames;
    private final EventCounts<HostileEvent> counts;
    private final Dice dice;
    private final MemorySegment received =
            Arena.ofAuto().allocate(FrameSocket.MAX_FRAME_BYTES, Long.BYTES);
    private final HostMemory memory = new HostMemory(HostMemoryLimits.DEFAULT);
    private final Map<Integer, GpadlAssembly> gpadls = new HashMap<>();
    private final Map<Integer, EventFd[]> doorbells = new HashMap<>();
    private final TreeMap<Integer, HostChannelStorm> channels = new TreeMap<>();
    private boolean spoils;
    private boolean mute;
    private boolean gone;

    HostControl(UnixSocket socket, FrameForge frames, EventCounts<HostileEvent> counts, Dice dice) {
        this.socket = socket;
        this.frames = frames;
        this.counts = counts;
        this.dice = dice;
    }

    HostMemory memory() {
        return memory;
    }

    /** The open channels, by relid. */
    TreeMap<Integer, HostChannelStorm> channels() {
        return channels;
    }

    /** Whether the guest has gone. */
    boolean isGone() {
        return gone;
    }

    /** Whether answers are to be spoiled from now on. */
    void spoils(boolean on) {
        spoils = on;
    }

    /** No more answers. */
    void mute() {
        mute = true;
    }

    /** Handles what has arrived; returns whether anything had. */
    boolean receive() throws LinuxException {
        boolean any = false;
        while (!gone) {
            try (ReceivedMessage message = socket.receive(received, 0)) {
                gone = message.isClosed();
                if (!message.isMessage()) {
                    break;
                }
                any = true;
                handle(message);
            }
        }
        return any;
    }

    /** Offers subchannels with the numbers from 1 to {@code count}. */
    void offerSubchannels(int count) {
        for (int index = 1; index <= count; index++) {
            answer(new OfferChannel(offer(index)));
        }
    }

    /** Takes the device back. */
    void rescind() {
        answer(new RescindChannelOffer(PRIMARY_RELID));
    }

    /** Sends messages that nobody asked for, with faults. */
    void burst(int messages) {
        for (int i = 0; i < messages && !gone; i++) {
            MemorySegment spoiled = frames.spoil(frames.message(0, unasked()), dice);
            boolean withFds = dice.oneIn(16) && !doorbells.isEmpty();
            sendFault(spoiled, withFds);
        }
    }

    @Override
    public void close() {
        channels.values().forEach(HostChannelStorm::close);
        channels.clear();
        doorbells.values().forEach(HostControl::closeBoth);
        memory.close();
        socket.close();
    }

    private void handle(ReceivedMessage frame) throws LinuxException {
        int kind = received.get(Spoiler.U32, FrameSocket.KIND_OFFSET);
        int argument = received.get(Spoiler.U32, FrameSocket.ARGUMENT_OFFSET);
        if (kind == FrameSocket.KIND_REGION) {
            addRegion(frame);
        } else if (kind == FrameSocket.KIND_DOORBELLS) {
            EventFd fromGuest = EventFd.adopt(frame.takeFd());
            EventFd[] before =
                    doorbells.put(
                            argument, new EventFd[] {fromGuest, EventFd.adopt(frame.takeFd())});
            closeBoth(before);
        } else {
            ControlMessage message =
                    ControlMessage.decode(
                            received,
                            FrameSocket.PAYLOAD_OFFSET,
                            frame.length() - FrameSocket.PAYLOAD_OFFSET);
            if (message == null) {
                throw new IllegalStateException("guest sends what is no message");
            }
            handle(message);
        }
    }

    private void handle(ControlMessage message) throws LinuxException {
        switch (message) {
            case InitiateContact m ->
                    answer(
                            new VersionResponse(
                                    1, VersionResponse.SUCCESSFUL, HostBus.MESSAGE_CONNECTION_ID));
            case RequestOffers m -> {
                answer(new OfferChannel(offer(0)));
                answer(new AllOffersDelivered());
            }
            case GpadlHeader m -> {
                GpadlAssembly assembly = new GpadlAssembly(m);
                gpadls.put(m.gpadl(), assembly);
                finish(assembly);
            }
            case GpadlBody m -> {
                GpadlAssembly assembly = gpadls.get(m.gpadl());
                if (assembly != null) {
                    assembly.add(m);
                    finish(assembly);
                }
            }
            case OpenChannel m -> open(m);
            case CloseChannel m -> {
                HostChannelStorm channel = channels.remove(m.relid());
                if (channel != null) {
                    channel.close();
                }
            }
            case GpadlTeardown m -> {
                gpadls.remove(m.gpadl());
                answer(new GpadlTorndown(m.gpadl()));
            }
            case ModifyChannel m ->
                    answer(new ModifyChannelResponse(m.relid(), ControlMessage.STATUS_SUCCESS));
            case Unload m -> answer(new UnloadResponse());
            default -> {
                // Nothing to be said to it.
            }
        }
    }

    private void addRegion(ReceivedMessage frame) throws LinuxException {
        try (Fd memfd = frame.takeFd()) {
            memory.addRegion(
                    received.get(Spoiler.U64, FrameSocket.REGION_GPA_OFFSET),
                    received.get(Spoiler.U64, FrameSocket.REGION_BYTES_OFFSET),
                    memfd,
                    received.get(Spoiler.U64, FrameSocket.REGION_FILE_OFFSET_OFFSET));
        } catch (MemoryRefusedException e) {
            throw new IllegalStateException("guest hands over what is no region", e);
        }
    }

    private void finish(GpadlAssembly assembly) {
        if (assembly.isComplete()) {
            answer(
                    new GpadlCreated(
                            assembly.relid(), assembly.handle(), ControlMessage.STATUS_SUCCESS));
        }
    }

    private void open(OpenChannel m) throws LinuxException {
        GpadlAssembly assembly = gpadls.get(m.gpadl());
        Gpadl gpadl = assembly == null ? null : assembly.finish();
        long[] pfns = gpadl == null ? null : gpadl.wholePages();
        EventFd[] bells = doorbells.remove(m.relid());
        if (pfns == null || bells == null || channels.containsKey(m.relid())) {
            closeBoth(bells);
            throw new IllegalStateException("guest opens a channel wrongly: " + m.describe());
        }
        Mapping mapping;
        try {
            mapping = memory.mapPages(pfns);
        } catch (MemoryRefusedException e) {
            closeBoth(bells);
            throw new IllegalStateException("guest opens a channel on pages it does not share", e);
        }
        long downstreamAt = (long) m.downstreamPageOffset() << HvPage.SHIFT;
        channels.put(
                m.relid(),
                new HostChannelStorm(m.relid(), mapping, downstreamAt, bells[0], bells[1], counts));
        counts.count(HostileEvent.CHANNEL);
        answer(new OpenChannelResult(m.relid(), m.openId(), ControlMessage.STATUS_SUCCESS));
    }

    /** Answers rightly, or in one of the ways that are not. */
    private void answer(ControlMessage message) {
        if (mute) {
            return;
        }
        if (!spoils || !dice.oneIn(6)) {
            send(frames.message(0, message));
            return;
        }
        MemorySegment right = frames.message(0, message);
        switch (dice.below(8)) {
            case 0 -> sendFault(frames.spoil(right, dice), false);
            case 1 -> {
                sendFault(right, false);
                sendFault(right, false);
            }
            case 2 -> sendFault(right, true);
            default -> {
                sendFault(frames.spoil(right, dice), false);
                send(frames.message(0, message));
            }
        }
    }

    private ControlMessage unasked() {
        // The numbers of channels that are open are rare: a rescind of one ends it all.
        int relid = dice.oneIn(64) ? dice.below(5) : dice.between(5, Offer.MAX_RELID + 9);
        int gpadl = 0x1000 + dice.below(8);
        return switch (dice.below(12)) {
            case 0, 1, 2 ->
                    new OfferChannel(
                            Offer.of(new Guid(dice.bits(), 0), INSTANCE)
                                    .numbered(dice.below(5), relid, relid));
            case 3, 4 -> new RescindChannelOffer(relid);
            case 5 -> new VersionResponse(dice.below(2), 0, dice.below(64));
            case 6 -> new AllOffersDelivered();
            case 7 -> new GpadlCreated(relid, gpadl, dice.below(2));
            case 8 -> new GpadlTorndown(gpadl);
            case 9 -> new OpenChannelResult(relid, dice.below(8), dice.below(2));
            case 10 -> new ModifyChannelResponse(relid, dice.below(2));
            default -> new UnloadResponse();
        };
    }

    private void sendFault(MemorySegment frame, boolean withFds) {
        Fd[] fds = new Fd[0];
        if (withFds && !doorbells.isEmpty()) {
            fds = new Fd[] {doorbells.values().iterator().next()[0].fd()};
        } else if (withFds) {
            fds = new Fd[] {socket.fd()};
        }
        if (send(frame, fds)) {
            counts.count(HostileEvent.FRAME);
        }
    }

    private boolean send(MemorySegment frame, Fd... fds) {
        try {
            socket.send(frame, SEND_TIMEOUT_MS, fds);
            return true;
        } catch (LinuxException e) {
            // The guest has gone, which the next receive tells, or does not read.
            return false;
        }
    }

    private static Offer offer(int subchannel) {
        return Offer.of(Offer.SCSI_INTERFACE, INSTANCE)
                .numbered(subchannel, PRIMARY_RELID + subchannel, 0x2000 | subchannel + 1);
    }

    private static void closeBoth(EventFd @Nullable [] pair) {
        if (pair != null) {
            pair[0].close();
            pair[1].close();
        }
    }
}
