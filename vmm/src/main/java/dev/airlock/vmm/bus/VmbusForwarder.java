package dev.airlock.vmm.bus;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
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
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Between the guest's SynIC and a host process, or one host process after another: messages go
 * through byte for byte, in both directions; the doorbells of a channel are eventfds on the host's
 * side, and a connection id and an event flag on the guest's.
 *
 * <p>When a host goes, channels stay open as the guest sees them: what it sends waits in its rings,
 * what it posts is remembered, and {@link #carryOver} brings another host to where the one before
 * was.
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

    private final MachineMemory memory;
    private final GuestEnd guest;
    private final Consumer<String> onLost;
    private final Map<Integer, ForwardedChannel> byRelid = new ConcurrentHashMap<>();
    private final Map<Integer, ForwardedChannel> byConnection = new ConcurrentHashMap<>();
    private final BellRinger bells;
    private final LongAdder interrupts = new LongAdder();
    private final LongAdder messages = new LongAdder();

    /** What holds of what was posted; with {@link #speaking}, as is every change of a channel. */
    private final Conversation said = new Conversation();

    private final Object speaking = new Object();

    /** The host there is, or null. Changed with {@link #speaking}. */
    private volatile @Nullable FrameSocket frames;

    private volatile @Nullable Thread reader;
    private volatile int messageCpu;
    private volatile boolean closing;

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
     * @param onLost told each time a host has gone, and why, on a thread of this object that ends
     *     then; it may call {@link #carryOver}, or have it called
     */
    public static VmbusForwarder start(
            UnixSocket socket, MachineMemory memory, GuestEnd guest, Consumer<String> onLost)
            throws IOException {
        VmbusForwarder bus;
        try {
            bus = new VmbusForwarder(memory, guest, onLost);
        } catch (LinuxException e) {
            socket.close();
            throw e;
        }
        try {
            bus.carryOver(socket);
            return bus;
        } catch (IOException | RuntimeException e) {
            bus.close();
            throw e;
        }
    }

    private VmbusForwarder(MachineMemory memory, GuestEnd guest, Consumer<String> onLost)
            throws LinuxException {
        this.memory = memory;
        this.guest = guest;
        this.onLost = onLost;
        this.bells = new BellRinger(byRelid.values(), this::rung, this::lose);
    }

    /**
     * Brings the guest to another host, after the one before has gone: its memory, what it has
     * said, its open channels. Requests that were under way are the new host's to answer, by the
     * channels' journals. Control messages of the guest wait meanwhile.
     *
     * @param socket connected to the host; owned from now on, also when this throws
     * @throws IOException if the host is not one that can go on where the other was; the guest
     *     still has none then
     */
    public void carryOver(UnixSocket socket) throws IOException {
        FrameSocket fresh = new FrameSocket(socket);
        synchronized (speaking) {
            try {
                if (frames != null || closing || !said.isComplete()) {
                    throw new IOException("the guest cannot be carried over");
                }
                for (SharedRegion region : memory.regions()) {
                    fresh.sendRegion(
                            region.gpa(),
                            region.bytes(),
                            region.memfd(),
                            region.offset(),
                            !memory.isIsolated());
                }
                frames = fresh;
                memory.attach(this);
                new Replay(fresh, said, byRelid.values(), this::deliver).run();
            } catch (IOException | RuntimeException e) {
                frames = null;
                fresh.close();
                throw e;
            }
            for (ForwardedChannel channel : byRelid.values()) {
                ForwardedChannel.Ends ends = channel.ends();
                if (ends != null) {
                    // Either side may have rung just when the host went.
                    ends.toHost().signal();
                    rung(channel);
                }
            }
            reader = Thread.ofPlatform().daemon().name("vmbus-reader").start(() -> read(fresh));
        }
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
        FrameSocket host = frames;
        if (host == null) {
            return; // The next host is told what is visible then.
        }
        try {
            host.sendVisibility(gpa, bytes, visible);
        } catch (LinuxException e) {
            drop(host);
        } catch (IllegalStateException closed) {
            // It went meanwhile; the next host is told what is visible then.
        }
    }

    /** Ends a host that cannot be told something: its reader finds out. */
    private static void drop(FrameSocket host) {
        try {
            host.shutdown();
        } catch (IllegalStateException closed) {
            // It went by itself.
        }
    }

    @Override
    public int signal(int connectionId) {
        ForwardedChannel channel = byConnection.get(connectionId);
        ForwardedChannel.Ends ends = channel == null ? null : channel.ends();
        if (ends == null) {
            return Hypercalls.INVALID_CONNECTION_ID;
        }
        ends.toHost().signal();
        return Hypercalls.SUCCESS;
    }

    @Override
    public int post(int connectionId, MemorySegment message) {
        messages.increment();
        ControlMessage decoded = ControlMessage.decode(message, 0, (int) message.byteSize());
        synchronized (speaking) {
            FrameSocket host = frames;
            try {
                if (decoded != null) {
                    before(decoded, host);
                    byte[] bytes = message.toArray(ValueLayout.JAVA_BYTE);
                    said.said(new Conversation.Said(connectionId, bytes), decoded);
                }
                if (host == null) {
                    answerWithoutHost();
                } else {
                    host.sendRaw(connectionId, message);
                }
                if (decoded != null) {
                    after(decoded);
                }
            } catch (IOException e) {
                if (host != null) {
                    drop(host);
                }
            }
        }
        return Hypercalls.SUCCESS;
    }

    private void before(ControlMessage message, @Nullable FrameSocket host) throws IOException {
        if (message instanceof OpenChannel open) {
            ForwardedChannel channel = byRelid.get(open.relid());
            if (channel != null && channel.ends() == null) {
                channel.setTargetCpu(open.targetCpu());
                connect(channel, host);
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

    private void connect(ForwardedChannel channel, @Nullable FrameSocket host) throws IOException {
        ForwardedChannel.Ends ends = channel.open();
        guest.connect(channel.connectionId, ends.toHost(), true);
        bells.changed();
        if (host != null) {
            channel.handTo(host);
        }
    }

    private void disconnect(ForwardedChannel channel) throws LinuxException {
        ForwardedChannel.Ends ends = channel.ends();
        if (ends != null) {
            guest.connect(channel.connectionId, ends.toHost(), false);
            channel.close();
            bells.changed();
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

    /** With no host: answers what needs none. */
    private void answerWithoutHost() {
        for (byte[] answer : said.answersWithoutHost()) {
            guest.post(messageCpu, SINT, answer);
        }
    }

    private void read(FrameSocket host) {
        String why = "the host closed the connection";
        try {
            while (!closing) {
                try (ReceivedMessage received = host.receive(-1)) {
                    if (received.isClosed()) {
                        break;
                    }
                    if (!accept(host)) {
                        why = "the host flooded its guest";
                        break;
                    }
                }
            }
        } catch (IOException e) {
            why = String.valueOf(e.getMessage());
        }
        synchronized (speaking) {
            frames = null;
            host.close();
            answerWithoutHost();
        }
        lose(why);
    }

    private boolean accept(FrameSocket host) {
        if (host.kind() != FrameSocket.KIND_MESSAGE) {
            return true;
        }
        MemorySegment message = host.frame().asSlice(FrameSocket.PAYLOAD_OFFSET);
        ControlMessage decoded = ControlMessage.decode(message, 0, host.payloadBytes());
        byte[] bytes = message.toArray(ValueLayout.JAVA_BYTE);
        synchronized (speaking) {
            if (decoded != null) {
                said.answered(decoded);
            }
            return deliver(decoded, bytes);
        }
    }

    /** To the guest; false when it cannot keep up. */
    private boolean deliver(@Nullable ControlMessage decoded, byte[] bytes) {
        messages.increment();
        if (decoded instanceof OfferChannel offered) {
            Offer offer = offered.offer();
            if (offer.relid() > 0 && offer.relid() <= Offer.MAX_RELID) {
                ForwardedChannel channel = new ForwardedChannel(offer);
                if (byRelid.putIfAbsent(channel.relid, channel) == null) {
                    byConnection.put(channel.connectionId, channel);
                }
            }
        }
        return guest.post(messageCpu, SINT, bytes);
    }

    private void rung(ForwardedChannel channel) {
        if (channel.targetCpu() != OpenChannel.NO_INTERRUPT) {
            interrupts.increment();
            guest.signal(channel.targetCpu(), SINT, channel.relid);
        }
    }

    private void lose(@Nullable String why) {
        if (!closing) {
            onLost.accept(String.valueOf(why));
        }
    }

    /** Ends the connection; the host frees everything the guest had of it. */
    @Override
    public void close() {
        closing = true;
        FrameSocket host = frames;
        if (host != null) {
            drop(host);
        }
        try {
            Thread reading = reader;
            if (reading != null) {
                reading.join();
            }
            bells.close();
            dropChannels();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (LinuxException e) {
            // The machine is going anyway; what the kernel kept goes with it.
        }
    }
}
