package dev.airlock.vmbus.guest;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.vmbus.Doorbells;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.RingWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * An open channel, the guest's end. Made by {@link GuestBus#open}, or in process by the loopback.
 *
 * <p>{@link #in} and {@link #out} are each for one thread at a time; {@link #await} too; the rest
 * is thread-safe. The ring memory is the opener's: it may be reused only after {@link #close}
 * returned true.
 */
public final class GuestChannel implements AutoCloseable {
    private final Offer offer;
    private final RingWriter out;
    private final RingReader in;
    private final Doorbells doorbells;
    private final @Nullable GuestBus bus;
    private final int gpadl;
    private volatile int targetCpu;
    private volatile boolean open = true;
    private volatile boolean rescinded;
    private volatile boolean busLost;

    /** Guarded by this. */
    private boolean ended;

    /** What {@link #closeChannel} answered; guarded by this. */
    private boolean memoryReleased;

    GuestChannel(
            @Nullable GuestBus bus,
            Offer offer,
            int gpadl,
            MemorySegment guestToHost,
            MemorySegment hostToGuest,
            Doorbells doorbells,
            int targetCpu) {
        this.bus = bus;
        this.offer = offer;
        this.gpadl = gpadl;
        this.out = new RingWriter(guestToHost);
        this.in = new RingReader(hostToGuest);
        this.doorbells = doorbells;
        this.targetCpu = targetCpu;
    }

    /**
     * A channel on rings in this process, without a bus.
     *
     * @param doorbells to ring the host and to be rung by it; closed by {@link #close}
     */
    public static GuestChannel withoutBus(
            Offer offer,
            MemorySegment guestToHost,
            MemorySegment hostToGuest,
            Doorbells doorbells) {
        return new GuestChannel(null, offer, 0, guestToHost, hostToGuest, doorbells, 0);
    }

    /** Packets to the host. */
    public RingWriter out() {
        return out;
    }

    /** Packets from the host. */
    public RingReader in() {
        return in;
    }

    /** Which channel of which device. */
    public Offer offer() {
        return offer;
    }

    /** 0 for the device's primary channel. */
    public int subchannelIndex() {
        return offer.subchannelIndex();
    }

    /**
     * The eventfd that the host rings; null only in a loopback without doorbells. Shared with the
     * host: prefer {@link #await}, which no host can keep from being woken by {@link #wake}.
     */
    public @Nullable EventFd interrupt() {
        return doorbells.own();
    }

    /**
     * Rings the host's doorbell; call it when {@link RingWriter#publish} or {@link
     * RingReader#consumed} say so. A hostile host can make it block, until {@link #unblockSignal}
     * or {@link #close}.
     */
    public void signalHost() {
        doorbells.ringPeer();
    }

    /** Whether the host's doorbell takes no more, so that {@link #signalHost} may block. */
    public boolean isSignalBlocked() {
        return doorbells.isPeerAtLimit();
    }

    /**
     * Frees a thread that a hostile host keeps in {@link #signalHost}, for good: later signals go
     * nowhere, so the channel is of no more use.
     */
    public void unblockSignal() {
        doorbells.silence();
    }

    /**
     * Sleeps until the host rings, {@link #wake} is called, the channel closes or is rescinded, or
     * the bus is lost.
     *
     * @param timeoutMs negative waits without end
     * @return false only after the time-out; check {@link #isOpen} and {@link #isRescinded}, then
     *     the ring
     */
    public boolean await(long timeoutMs) throws LinuxException {
        return !open || doorbells.await(timeoutMs);
    }

    /**
     * As {@link #await}, but for a thread that leaves the host's rings to another one: does not
     * return for them.
     */
    public boolean awaitWake(long timeoutMs) throws LinuxException {
        return !open || doorbells.awaitWake(timeoutMs);
    }

    /** Makes {@link #await} and {@link #awaitWake} return, now or at the next call. */
    public void wake() {
        doorbells.wake();
    }

    /** False once closed or the bus is lost: nothing will come from the host any more. */
    public boolean isOpen() {
        return open;
    }

    /** True once the host took the channel away; the owner should {@link #close} it. */
    public boolean isRescinded() {
        return rescinded;
    }

    /** True once the connection to the host has ended. */
    public boolean isBusLost() {
        GuestBus b = bus;
        return busLost || b != null && b.isLost();
    }

    /** The CPU the host was told to interrupt. */
    public int targetCpu() {
        return targetCpu;
    }

    /**
     * Tells the host to interrupt another CPU. Waits for the answer where the protocol has one
     * (since 5.3).
     *
     * @throws IOException when the host refuses or does not answer, or the bus is lost
     */
    public void modifyTargetCpu(int cpu) throws IOException {
        GuestBus b = bus;
        if (b != null) {
            b.setup().modify(this, cpu);
        }
        targetCpu = cpu;
    }

    /** As {@link #closeChannel}, for try-with-resources. */
    @Override
    public void close() {
        closeChannel();
    }

    /**
     * Ends the channel and takes its rings back from the host. Threads in {@link #await} and {@link
     * #signalHost} return. Idempotent.
     *
     * @return true when the host confirmed that it uses the ring memory no more; false when it did
     *     not in time or the bus is lost: the memory must not be used for anything else then
     */
    public synchronized boolean closeChannel() {
        if (!ended) {
            ended = true;
            open = false;
            doorbells.close();
            GuestBus b = bus;
            memoryReleased = b == null || b.setup().release(this);
        }
        return memoryReleased;
    }

    void markRescinded() {
        rescinded = true;
        doorbells.wake();
    }

    void markBusLost() {
        busLost = true;
        open = false;
        doorbells.wake();
    }

    int gpadl() {
        return gpadl;
    }

    @Override
    public String toString() {
        return "GuestChannel relid=%d sub=%d open=%b rescinded=%b"
                .formatted(offer.relid(), offer.subchannelIndex(), open, rescinded);
    }
}
