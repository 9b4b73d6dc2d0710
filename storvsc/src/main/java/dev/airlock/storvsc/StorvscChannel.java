package dev.airlock.storvsc;

import dev.airlock.dma.DmaAttributes;
import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.guest.GuestChannel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One channel of the adapter: the hot path. Commands go out by {@link #submit}, answers come in by
 * {@link #poll}.
 *
 * <p>Any thread may submit. A command is built and mapped outside any lock, in memory that belongs
 * to its tag; the ring's lock is held for the copy into the ring only. One thread at a time polls;
 * others find the place taken and return. Both ends may be one thread, without signals and without
 * blocking. Nothing is allocated from submission to completion.
 *
 * <p>The host is hostile: an answer is copied out of the ring once, and names a command by a
 * validated id. What it says of lengths is clamped. A broken ring ends the channel, not the
 * caller's thread.
 */
public final class StorvscChannel {
    /** Between two looks whether the poller has left, at the channel's end. */
    private static final long POLLER_WAIT_NANOS = 50_000;

    private final int index;
    private final int port;
    private final GuestChannel link;
    private final OutboundRing out;
    private final RingReader in;
    private final CommandTable table;
    private final CommandEnd commandEnd;
    private final InboundPackets inbound;
    private final IoMapping mapping;
    private final ChannelEvents events;
    private final ChannelCounters counters = new ChannelCounters();
    private final CoarseClock clock;
    private final long defaultTimeoutNanos;
    private final long tickNanos;
    private final int maxPages;
    private final int honouredAttributes;

    private final MemorySegment packets;
    private final long packetStride;
    private final AtomicReference<@Nullable Thread> poller = new AtomicReference<>();
    private final AtomicInteger attendants = new AtomicInteger();

    /**
     * @param link an open channel; closed by {@link #close}
     * @param index 0 for the primary channel
     */
    StorvscChannel(
            GuestChannel link,
            int index,
            IoMapping mapping,
            ChannelEvents events,
            CoarseClock clock,
            ChannelShape shape) {
        this.link = link;
        this.index = index;
        this.port = shape.port();
        this.in = link.in();
        this.mapping = mapping;
        this.honouredAttributes = mapping.honoursOverwrite() ? -1 : ~DmaAttributes.OVERWRITE;
        this.events = events;
        this.clock = clock;
        this.defaultTimeoutNanos = shape.timeoutNanos();
        this.tickNanos = shape.tickNanos();
        this.maxPages = shape.maxPages();
        this.table = new CommandTable(shape.tags(), shape.callerTags());
        this.out = new OutboundRing(link, table, counters);
        this.commandEnd = new CommandEnd(table, mapping, counters);
        this.packetStride = SrbPacket.bytes(shape.maxPages());
        this.packets = Arena.ofAuto().allocate(packetStride * shape.tags(), Long.BYTES);
        this.inbound = new InboundPackets(index, in, commandEnd, events, counters);
    }

    /** Largest data of one command, whatever its offset in its first page. Whole pages. */
    int maxTransferBytes() {
        return (maxPages - 1) << HvPage.SHIFT;
    }

    /** Queues a command and shows it to the host. See {@link #enqueue}. */
    public SubmitResult submit(ScsiRequest request) {
        return queue(request, true);
    }

    /**
     * Queues a command that the host need not see before the next {@link #submit} or {@link
     * #publish}, for several commands with one signal.
     *
     * @return {@link SubmitResult#ACCEPTED}, then the request is the driver's until its completion;
     *     anything else leaves nothing behind
     * @throws IllegalStateException when the request is with the driver already, or not prepared
     */
    public SubmitResult enqueue(ScsiRequest request) {
        return queue(request, false);
    }

    /** Shows the host what was {@link #enqueue enqueued}. */
    public void publish() {
        out.publish();
    }

    /**
     * Takes the host's packets and ends the commands they answer, calling their completions.
     * Returns 0 at once while another thread polls, or a completion that this thread is in.
     *
     * @param maxPackets most packets to take
     * @return packets taken, 0 when there was none
     */
    public int poll(int maxPackets) {
        if (isClosed() || !poller.compareAndSet(null, Thread.currentThread())) {
            return 0;
        }
        int taken = 0;
        boolean roomWanted = false;
        try {
            while (taken < maxPackets && !isClosed()) {
                int result = inbound.takeNext();
                if (result <= 0) {
                    noPacket(result);
                    break;
                }
                taken++;
            }
            roomWanted = taken > 0 && in.consumed();
        } finally {
            poller.set(null);
        }
        if (roomWanted) {
            out.ring(RingWriter.SIGNAL);
        }
        return taken;
    }

    /**
     * The caller polls from now on; the adapter's thread stands back until {@link #leave}. Before
     * it sleeps it asks {@link #unmaskInterrupts}; then waits for {@link #interrupt} a while.
     */
    public void attend() {
        attendants.incrementAndGet();
        link.wake();
    }

    /** The end of {@link #attend}. */
    public void leave() {
        attendants.decrementAndGet();
        link.wake();
    }

    boolean isAttended() {
        return attendants.get() > 0;
    }

    /** The eventfd that the host rings; null without doorbells. Not the caller's to close. */
    public @Nullable EventFd interrupt() {
        return link.interrupt();
    }

    /** Whether the channel takes no more commands. */
    public boolean isClosed() {
        return out.isClosed();
    }

    /** 0 for the primary channel, then the subchannels. */
    public int index() {
        return index;
    }

    /** The virtual CPU that the host interrupts for this channel. */
    public int targetCpu() {
        return link.targetCpu();
    }

    /** Commands that hold a tag, quarantined ones included. A snapshot. */
    public int inFlight() {
        return table.inUse();
    }

    /** Asks the host not to ring; advice only. */
    public void maskInterrupts() {
        in.maskInterrupts();
    }

    /**
     * Asks the host to ring for new packets.
     *
     * @return true when the ring is empty and the caller may sleep; false: poll again
     */
    public boolean unmaskInterrupts() {
        if (isClosed() || !poller.compareAndSet(null, Thread.currentThread())) {
            return false;
        }
        try {
            return !in.unmaskInterrupts();
        } finally {
            poller.set(null);
        }
    }

    /** Sleeps until the host rings or the channel ends; false after the time-out. */
    boolean awaitInterrupt(long timeoutMs) throws LinuxException {
        return !isClosed() && link.await(timeoutMs);
    }

    void awaitWake(long timeoutMs) throws LinuxException {
        link.awaitWake(timeoutMs);
    }

    /**
     * Sends an in-band packet: the initialisation and resets.
     *
     * @param packet private memory, {@link SrbPacket#INBAND_BYTES} from offset 0
     * @return false when the ring has no room, or the channel is closed
     */
    boolean sendInband(MemorySegment packet) {
        return out.writeInband(packet);
    }

    /** Commands that enter the ring from now on belong to this epoch: they follow this reset. */
    void beginReset(int epoch) {
        out.beginReset(epoch);
    }

    /** The ways a command ends without an answer; for the recovery and the channel's end. */
    CommandEnd commandEnd() {
        return commandEnd;
    }

    /**
     * Finds signallers that a hostile host blocks, and frees them at the price of the channel. To
     * be called regularly by a thread that never signals.
     */
    void guardDoorbell() {
        if (out.isDoorbellStuck()) {
            link.unblockSignal();
            events.channelFailed(this, "host blocks its doorbell");
        }
    }

    ChannelCounters counters() {
        return counters;
    }

    long signals() {
        return out.signals();
    }

    /** Takes no more commands or packets, and wakes whoever waits. Returns at once. */
    void stop() {
        out.close();
        link.wake();
    }

    /**
     * Waits until no thread is in the rings, then closes the channel on the bus. After {@link
     * #stop}; not from a completion of this channel.
     *
     * @return true when the host has confirmed that it uses neither the rings nor the data of this
     *     channel's commands any more
     */
    boolean close() {
        Thread self = Thread.currentThread();
        if (self.equals(poller.get())) {
            throw new IllegalStateException("a channel cannot be closed from a completion on it");
        }
        while (!poller.compareAndSet(null, self)) {
            LockSupport.parkNanos(POLLER_WAIT_NANOS);
        }
        return link.closeChannel();
    }

    /** Whether the connection to the host has ended. */
    boolean isHostLost() {
        return link.isBusLost();
    }

    SubmitResult queue(ScsiRequest request, boolean publish) {
        request.beginSubmit();
        SubmitResult result = isClosed() ? SubmitResult.CLOSED : build(request, publish);
        if (result != SubmitResult.ACCEPTED) {
            request.cancelSubmit();
        }
        return result;
    }

    /** Claims a tag, maps, and writes the packet into the tag's own memory. */
    private SubmitResult build(ScsiRequest request, boolean publish) {
        int pages = 0;
        int offsetInPage = 0;
        int dataBytes = request.dataBytes();
        if (dataBytes > 0) {
            if (!GpaRangeLayout.isOneRange(request.data())) {
                return SubmitResult.BAD_LAYOUT;
            }
            offsetInPage = (int) (request.data().gpa(0) & HvPage.MASK);
            pages = GpaRangeLayout.pages(offsetInPage, dataBytes);
            if (pages > maxPages) {
                return SubmitResult.TOO_LARGE;
            }
        }
        int tag = table.claim(request);
        if (tag < 0) {
            counters.busyNoTag.increment();
            return SubmitResult.BUSY;
        }
        long at = tag * packetStride;
        boolean built = false;
        try {
            long id = TransactionId.of(table.generation(tag), index, tag);
            int vstorAt = SrbPacket.encodeHead(packets, at, dataBytes, offsetInPage, pages, id);
            SrbPacket.encodeSrb(packets, at + vstorAt, request, port);
            int mapped = pages == 0 ? 0 : map(tag, request, at);
            built = mapped == pages;
            if (!built) {
                return refusal(mapped, pages);
            }
        } finally {
            if (!built) {
                release(tag, request);
            }
        }
        return write(tag, request, at, SrbPacket.bytes(pages), publish);
    }

    private int map(int tag, ScsiRequest request, long at) {
        int mapped =
                mapping.map(
                        tag,
                        request.data(),
                        request.direction().dma(),
                        request.mappingAttributes() & honouredAttributes,
                        packets,
                        at);
        if (mapped > 0) {
            table.markMapped(tag);
        }
        return mapped;
    }

    private SubmitResult refusal(int mapped, int pages) {
        if (mapped == IoMapping.BUSY) {
            counters.busyNoSlots.increment();
            return SubmitResult.BUSY;
        }
        if (mapped == IoMapping.TOO_LARGE) {
            return SubmitResult.TOO_LARGE;
        }
        throw new IllegalStateException(
                "mapping lost the in-page offset: pages=%d mapped=%d".formatted(pages, mapped));
    }

    private void release(int tag, ScsiRequest request) {
        commandEnd.unmapUntouched(tag, request.direction(), request.data());
        table.free(tag);
        request.cancelSubmit();
    }

    private SubmitResult write(int tag, ScsiRequest request, long at, int bytes, boolean publish) {
        long timeoutNanos =
                request.timeoutMs() == 0 ? defaultTimeoutNanos : request.timeoutMs() * 1_000_000L;
        // One tick more, so that the coarse clock never makes a time-out early.
        long deadlineNanos = clock.nowNanos() + tickNanos + timeoutNanos;
        boolean written = out.write(tag, request, deadlineNanos, packets, at, bytes, publish);
        return written ? SubmitResult.ACCEPTED : takeBack(tag, request);
    }

    /** The ring took nothing: the host never knew of the command. */
    private SubmitResult takeBack(int tag, ScsiRequest request) {
        release(tag, request);
        if (isClosed()) {
            return SubmitResult.CLOSED;
        }
        if (out.isFailed()) {
            events.channelFailed(this, "outbound ring: " + out.describeFault());
            return SubmitResult.CLOSED;
        }
        counters.busyRingFull.increment();
        return SubmitResult.BUSY;
    }

    private void noPacket(int result) {
        if (result == RingReader.CORRUPT) {
            events.channelFailed(this, "inbound ring: " + in.describeFault());
        } else if (link.isBusLost()) {
            events.channelFailed(this, "host has gone");
        } else if (link.isRescinded()) {
            events.channelFailed(this, "host took the channel away");
        }
    }
}
