package dev.airlock.vmbus.host;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.HostMemory;
import dev.airlock.vmbus.Doorbells;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.UserData;
import dev.airlock.vmbus.message.OpenChannel;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * An open channel, the host's end: rings, doorbells and the guest's memory. Made by the bus, or in
 * process by the loopback; lives from {@link HostDevice#opened} until {@link HostDevice#closed}
 * returns.
 *
 * <p>{@link #in} and {@link #out} are each for one thread at a time; {@link #awaitGuest} too; the
 * rest is thread-safe.
 */
public final class HostChannel {
    /** Size of a {@link #journal}. */
    public static final int JOURNAL_BYTES = 512 << 10;

    private final Offer offer;
    private final RingReader in;
    private final RingWriter out;
    private final MemorySegment guestToHost;
    private final MemorySegment hostToGuest;
    private final Doorbells doorbells;
    private final HostMemory memory;
    private final UserData userData;
    private final @Nullable HostBus bus;
    private final @Nullable MemorySegment journal;
    private volatile int targetCpu;
    private volatile boolean open = true;

    /** Subchannels that can be had without a bus: whoever made the channel opens them. */
    private volatile int subchannelsWithoutBus;

    HostChannel(
            @Nullable HostBus bus,
            Offer offer,
            MemorySegment guestToHost,
            MemorySegment hostToGuest,
            Doorbells doorbells,
            HostMemory memory,
            UserData userData,
            int targetCpu,
            @Nullable MemorySegment journal) {
        this.bus = bus;
        this.offer = offer;
        this.in = new RingReader(guestToHost);
        this.out = new RingWriter(hostToGuest);
        this.guestToHost = guestToHost;
        this.hostToGuest = hostToGuest;
        this.doorbells = doorbells;
        this.memory = memory;
        this.userData = userData;
        this.targetCpu = targetCpu;
        this.journal = journal;
    }

    /**
     * A channel on rings in this process, without a bus: it offers no sub-channels unless {@link
     * #subchannelsWithoutBus} says so, and {@link #rescind} only marks it closed.
     *
     * @param doorbells to ring the guest and to be rung by it; closed by {@link #end}
     */
    public static HostChannel withoutBus(
            Offer offer,
            MemorySegment guestToHost,
            MemorySegment hostToGuest,
            Doorbells doorbells,
            HostMemory memory) {
        return new HostChannel(
                null, offer, guestToHost, hostToGuest, doorbells, memory, UserData.NONE, 0, null);
    }

    /** Packets from the guest. */
    public RingReader in() {
        return in;
    }

    /** Packets to the guest. */
    public RingWriter out() {
        return out;
    }

    /**
     * The ring behind {@link #in}, control page and data: for instruments that break its rules, as
     * {@link #hostToGuest} is for {@link #out}. Shared with the guest.
     */
    public MemorySegment guestToHost() {
        return guestToHost;
    }

    /** The ring behind {@link #out}; who writes to it leaves {@code out} alone. */
    public MemorySegment hostToGuest() {
        return hostToGuest;
    }

    /** Which channel of which device, with its relid. */
    public Offer offer() {
        return offer;
    }

    /** 0 for the device's primary channel. */
    public int subchannelIndex() {
        return offer.subchannelIndex();
    }

    /** What the guest passed when it opened the channel. */
    public UserData userData() {
        return userData;
    }

    /** What the host sees of the guest's memory. */
    public HostMemory memory() {
        return memory;
    }

    /**
     * Memory of {@link #JOURNAL_BYTES} that outlives this process, in which the device keeps what
     * it has under way, so that a host that comes after it can go on where it was; zero in the
     * beginning. Who gave it can write to it at any time. Null when nobody carries guests over.
     */
    public @Nullable MemorySegment journal() {
        return journal;
    }

    /** Who is shown this channel's packets; null for nobody. */
    public @Nullable HostTap tap() {
        HostBus b = bus;
        return b == null ? null : b.tap();
    }

    /** The guest CPU that wants this channel's interrupts; the guest may change it at any time. */
    public int targetCpu() {
        return targetCpu;
    }

    /**
     * The eventfd that the guest rings; null only in a loopback without doorbells. Shared with the
     * guest: prefer {@link #awaitGuest}, which no guest can keep from being woken by {@link #wake}.
     */
    public @Nullable EventFd kick() {
        return doorbells.own();
    }

    /**
     * Rings the guest's doorbell; call it when {@link RingWriter#publish} or {@link
     * RingReader#consumed} say so. A hostile guest can make it block, until the channel is closed:
     * only threads that serve this guest may call it.
     */
    public void signalGuest() {
        if (targetCpu != OpenChannel.NO_INTERRUPT) {
            doorbells.ringPeer();
        }
    }

    /**
     * Sleeps until the guest rings, {@link #wake} is called, or the channel closes.
     *
     * @param timeoutMs negative waits without end
     * @return false only after the time-out; check {@link #isOpen} then the ring
     */
    public boolean awaitGuest(long timeoutMs) throws LinuxException {
        return !open || doorbells.await(timeoutMs);
    }

    /** Makes {@link #awaitGuest} return, now or at its next call. */
    public void wake() {
        doorbells.wake();
    }

    /**
     * False once the channel is being closed; the rings stay valid until {@code closed} returns.
     */
    public boolean isOpen() {
        return open;
    }

    /**
     * Offers more channels of this device to the guest; the offers follow soon. Numbered from 1.
     *
     * @param count how many the device should have in all, besides the primary one
     * @return how many it will have: fewer when {@link HostLimits#maxChannelsPerGuest} is reached,
     *     0 when this channel has closed
     */
    public int offerSubchannels(int count) {
        HostBus b = bus;
        if (!open) {
            return 0;
        }
        return b == null
                ? Math.min(count, subchannelsWithoutBus)
                : b.offerSubchannels(offer, count);
    }

    /** Lets {@link #offerSubchannels} of a channel without a bus offer so many at most. */
    public void subchannelsWithoutBus(int most) {
        subchannelsWithoutBus = most;
    }

    /**
     * Takes the channel away from the guest; rescinding a primary channel takes the whole device.
     * {@link HostDevice#closed} follows on the bus's thread.
     */
    public void rescind() {
        HostBus b = bus;
        if (b == null) {
            end();
        } else {
            b.rescind(offer.relid());
        }
    }

    /** Ends a channel without a bus: marks it closed and wakes its threads. Idempotent. */
    public void end() {
        open = false;
        doorbells.wake();
    }

    void setTargetCpu(int cpu) {
        targetCpu = cpu;
    }

    Doorbells doorbells() {
        return doorbells;
    }

    @Override
    public String toString() {
        return "HostChannel relid=%d sub=%d open=%b"
                .formatted(offer.relid(), offer.subchannelIndex(), open);
    }
}
