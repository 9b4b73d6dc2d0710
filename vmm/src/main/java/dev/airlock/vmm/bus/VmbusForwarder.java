package dev.airlock.vmm.bus;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Poll;
import dev.airlock.linux.ReceivedMessage;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.SharedRegion;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.Unload;
import dev.airlock.vmbus.transport.FrameSocket;
import dev.airlock.vmm.hyperv.Hypercalls;
import dev.airlock.vmm.memory.HostView;
import dev.airlock.vmm.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Between the guest's SynIC and a host process: messages go through byte for byte, in both
 * directions; the doorbells of a channel are eventfds on the host's side, and a connection id and
 * an event flag on the guest's.
 *
 * <p>Neither side is trusted. What the guest posts goes to the host unread but for what concerns
 * doorbells; the host checks it. What the host sends is posted to the guest, which has its own
 * defences; a host that floods it loses the connection.
 *
 * <p>Thread-safe. Two threads of its own: one reads the socket, one waits for the host's doorbells.
 */
public final class VmbusForwarder implements AutoCloseable, HostView, Hypercalls.Connections {
    /** Interrupt source of VMBus: Linux {@code VMBUS_MESSAGE_SINT}. */
    public static final int SINT = 2;

    private static final int RELIDS_MAX = Offer.MAX_RELID;

    private final FrameSocket frames;
    private final GuestEnd guest;
    private final Consumer<String> onLost;
    private final Map<Integer, ForwardedChannel> byRelid = new ConcurrentHashMap<>();
    private final Map<Integer, ForwardedChannel> byConnection = new ConcurrentHashMap<>();
    private final EventFd wake;
    private final Thread reader;
    private final Thread bells;
    private final LongAdder interrupts = new LongAdder();
    private final LongAdder messages = new LongAdder();
    private volatile int messageCpu;
    private volatile boolean closing;
    private volatile boolean lost;

    /** The guest's side: what a machine offers to its bus. */
    public interface GuestEnd {
        /** Posts to a processor's message slot; false when too many wait. */
        boolean post(int cpu, int sint, byte[] message);

        /** Sets an event flag and interrupts. */
        void signal(int cpu, int sint, int flag);

        /** Connects, or disconnects, a connection id with a doorbell without an exit. */
        void connect(int connectionId, EventFd doorbell, boolean connect) throws LinuxException;
    }

    /**
     * Hands the guest's memory to the host, and begins.
     *
     * @param socket connected to a host; owned from now on, also when this throws
     * @param onLost told once, on a thread of this object, that the host has gone and why
     */
    public static VmbusForwarder start(
            UnixSocket socket, MachineMemory memory, GuestEnd guest, Consumer<String> onLost)
            throws IOException {
        FrameSocket frames = new FrameSocket(socket);
        VmbusForwarder bus;
        try {
            bus = new VmbusForwarder(frames, guest, onLost);
        } catch (LinuxException e) {
            frames.close();
            throw e;
        }
        try {
            for (SharedRegion region : memory.regions()) {
                frames.sendRegion(
                        region.gpa(),
                        region.bytes(),
                        region.memfd(),
                        region.offset(),
                        !memory.isIsolated());
            }
            memory.attach(bus);
            bus.reader.start();
            bus.bells.start();
            return bus;
        } catch (IOException | RuntimeException e) {
            bus.frames.close();
            bus.wake.close();
            throw e;
        }
    }

    private VmbusForwarder(FrameSocket frames, GuestEnd guest, Consumer<String> onLost)
            throws LinuxException {
        this.frames = frames;
        this.guest = guest;
        this.onLost = onLost;
        this.wake = EventFd.create();
        this.reader = Thread.ofPlatform().daemon().name("vmbus-reader").unstarted(this::read);
        this.bells = Thread.ofPlatform().daemon().name("vmbus-bells").unstarted(this::ring);
    }

    /** Interrupts that the host's doorbells became. */
    public long interrupts() {
        return interrupts.sum();
    }

    /** Control messages, both directions. */
    public long messages() {
        return messages.sum();
    }

    @Override
    public void visibilityChanged(long gpa, long bytes, boolean visible) throws IOException {
        if (lost) {
            return;
        }
        try {
            frames.sendVisibility(gpa, bytes, visible);
        } catch (LinuxException e) {
            lose(e.getMessage());
        }
    }

    @Override
    public int signal(int connectionId) {
        ForwardedChannel channel = byConnection.get(connectionId);
        EventFd doorbell = channel == null ? null : channel.doorbells().toHost();
        if (doorbell == null) {
            return Hypercalls.INVALID_CONNECTION_ID;
        }
        doorbell.signal();
        return Hypercalls.SUCCESS;
    }

    @Override
    public int post(int connectionId, MemorySegment message) {
        if (lost) {
            return Hypercalls.SUCCESS; // As a host that does not answer.
        }
        messages.increment();
        try {
            ControlMessage decoded = ControlMessage.decode(message, 0, (int) message.byteSize());
            if (decoded != null) {
                before(decoded);
            }
            frames.sendRaw(connectionId, message);
            if (decoded != null) {
                after(decoded);
            }
            return Hypercalls.SUCCESS;
        } catch (IOException e) {
            lose(e.getMessage());
            return Hypercalls.SUCCESS;
        }
    }

    private void before(ControlMessage message) throws IOException {
        if (message instanceof OpenChannel open) {
            ForwardedChannel channel = byRelid.get(open.relid());
            if (channel != null && channel.doorbells().toHost() == null) {
                channel.setTargetCpu(open.targetCpu());
                connect(channel);
            }
        } else if (message instanceof ModifyChannel modify) {
            ForwardedChannel channel = byRelid.get(modify.relid());
            if (channel != null) {
                channel.setTargetCpu(modify.targetCpu());
            }
        } else if (message instanceof InitiateContact contact) {
            dropChannels();
            messageCpu = contact.targetCpu();
        } else if (message instanceof RelidReleased released) {
            drop(byRelid.get(released.relid()));
        }
    }

    private void after(ControlMessage message) throws IOException {
        if (message instanceof CloseChannel close) {
            ForwardedChannel channel = byRelid.get(close.relid());
            if (channel != null) {
                disconnect(channel);
            }
        } else if (message instanceof Unload) {
            dropChannels();
        }
    }

    private void connect(ForwardedChannel channel) throws IOException {
        ForwardedChannel.Doorbells made = channel.makeDoorbells();
        EventFd toHost = made.toHost();
        EventFd toGuest = made.toGuest();
        if (toHost == null || toGuest == null) {
            throw new IllegalStateException("doorbells were not made");
        }
        frames.sendDoorbells(channel.relid, toHost.fd(), toGuest.fd());
        guest.connect(channel.connectionId, toHost, true);
        wake.signal();
    }

    private void disconnect(ForwardedChannel channel) throws LinuxException {
        EventFd toHost = channel.doorbells().toHost();
        if (toHost != null) {
            guest.connect(channel.connectionId, toHost, false);
            channel.closeDoorbells();
            wake.signal();
        }
    }

    private void drop(@Nullable ForwardedChannel channel) throws LinuxException {
        if (channel != null) {
            disconnect(channel);
            byRelid.remove(channel.relid);
            byConnection.remove(channel.connectionId);
        }
    }

    private void dropChannels() throws LinuxException {
        for (ForwardedChannel channel : List.copyOf(byRelid.values())) {
            drop(channel);
        }
    }

    private void read() {
        String why = "the host closed the connection";
        try {
            while (!closing) {
                try (ReceivedMessage received = frames.receive(-1)) {
                    if (received.isClosed()) {
                        break;
                    }
                    if (!accept()) {
                        why = "the host flooded its guest";
                        break;
                    }
                }
            }
        } catch (IOException e) {
            why = String.valueOf(e.getMessage());
        }
        lose(why);
    }

    private boolean accept() {
        if (frames.kind() != FrameSocket.KIND_MESSAGE) {
            return true;
        }
        messages.increment();
        MemorySegment message = frames.frame().asSlice(FrameSocket.PAYLOAD_OFFSET);
        ControlMessage decoded = ControlMessage.decode(message, 0, frames.payloadBytes());
        if (decoded instanceof OfferChannel offered) {
            Offer offer = offered.offer();
            if (offer.relid() > 0 && offer.relid() <= RELIDS_MAX) {
                ForwardedChannel channel =
                        new ForwardedChannel(offer.relid(), offer.connectionId());
                if (byRelid.putIfAbsent(offer.relid(), channel) == null) {
                    byConnection.put(offer.connectionId(), channel);
                }
            }
        }
        return guest.post(
                messageCpu, SINT, message.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
    }

    /** Turns the host's doorbells into event flags. */
    private void ring() {
        try {
            while (!closing) {
                List<ForwardedChannel> open = new ArrayList<>();
                for (ForwardedChannel channel : byRelid.values()) {
                    if (channel.doorbells().toGuest() != null) {
                        open.add(channel);
                    }
                }
                Poll poll = new Poll(open.size() + 1);
                int own = poll.add(wake);
                List<EventFd> events = new ArrayList<>();
                for (ForwardedChannel channel : open) {
                    EventFd event = channel.doorbells().toGuest();
                    if (event == null) {
                        break;
                    }
                    events.add(event);
                    poll.add(event);
                }
                if (events.size() == open.size()) {
                    wait(poll, own, open, events);
                }
            }
        } catch (LinuxException e) {
            lose(e.getMessage());
        }
    }

    /** Returns when the set of doorbells has changed. */
    private void wait(Poll poll, int own, List<ForwardedChannel> open, List<EventFd> events)
            throws LinuxException {
        while (!closing) {
            try {
                poll.await(-1);
            } catch (IllegalStateException closed) {
                return; // A doorbell went; the set is made anew.
            }
            if (poll.isReadable(own)) {
                wake.drain();
                return;
            }
            for (int i = 0; i < events.size(); i++) {
                if (poll.isReadable(i + 1)) {
                    events.get(i).drain();
                    ForwardedChannel channel = open.get(i);
                    if (channel.targetCpu() != OpenChannel.NO_INTERRUPT) {
                        interrupts.increment();
                        guest.signal(channel.targetCpu(), SINT, channel.relid);
                    }
                }
            }
        }
    }

    private void lose(@Nullable String why) {
        boolean first;
        synchronized (this) {
            first = !lost;
            lost = true;
        }
        if (first && !closing) {
            onLost.accept(String.valueOf(why));
        }
    }

    /** Ends the connection; the host frees everything the guest had of it. */
    @Override
    public void close() {
        closing = true;
        frames.shutdown();
        wake.signal();
        try {
            reader.join();
            bells.join();
            dropChannels();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (LinuxException e) {
            // The machine is going anyway; what the kernel kept goes with it.
        }
        frames.close();
        wake.close();
    }
}
