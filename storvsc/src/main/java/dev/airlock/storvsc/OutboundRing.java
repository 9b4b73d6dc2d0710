package dev.airlock.storvsc;

import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.guest.GuestChannel;
import java.lang.foreign.MemorySegment;

/**
 * The sending end of a channel: puts packets that are ready into the ring, one thread at a time,
 * and rings the doorbell when the host asked for it. The lock is held for the copy, never while
 * ringing. Thread-safe.
 */
final class OutboundRing {
    private final RingWriter out;
    private final Doorbell doorbell;
    private final CommandTable table;
    private final ChannelCounters counters;
    private final Object lock = new Object();
    private volatile boolean closed;

    /** Resets sent so far; guarded by the lock. */
    private int resetEpoch;

    OutboundRing(GuestChannel link, CommandTable table, ChannelCounters counters) {
        this.out = link.out();
        this.doorbell = new Doorbell(link::signalHost, link::isSignalBlocked);
        this.table = table;
        this.counters = counters;
    }

    /**
     * Writes the packet of a claimed tag and makes the command one that an answer ends.
     *
     * @param publish whether to show it to the host now
     * @return false when the ring has no room, has failed or is closed; nothing was written
     */
    boolean write(
            int tag,
            ScsiRequest request,
            long deadlineNanos,
            MemorySegment packet,
            long at,
            int bytes,
            boolean publish) {
        boolean written;
        int signal = 0;
        synchronized (lock) {
            written = !closed && out.write(packet, at, bytes);
            if (written) {
                // Before the host can see the packet: an answer that comes earlier finds nothing.
                table.publish(tag, request, deadlineNanos, resetEpoch);
                counters.submitted.increment();
                if (publish) {
                    signal = out.publish();
                }
            }
        }
        ring(signal);
        return written;
    }

    /**
     * Writes and shows an in-band packet at offset 0; false when there is no room, or it is closed.
     */
    boolean writeInband(MemorySegment packet) {
        boolean written;
        int signal = 0;
        synchronized (lock) {
            written = !closed && out.write(packet, 0, SrbPacket.INBAND_BYTES);
            if (written) {
                signal = out.publish();
            }
        }
        ring(signal);
        return written;
    }

    /** Shows the host what was written. */
    void publish() {
        int signal;
        synchronized (lock) {
            signal = closed ? 0 : out.publish();
        }
        ring(signal);
    }

    /** Rings the doorbell if a ring end said so. */
    void ring(int signal) {
        if ((signal & RingWriter.SIGNAL) != 0) {
            doorbell.signal();
        }
    }

    /** Commands written from now on follow this reset. */
    void beginReset(int epoch) {
        synchronized (lock) {
            resetEpoch = epoch;
        }
    }

    /** Nothing is written any more. */
    void close() {
        synchronized (lock) {
            closed = true;
        }
    }

    boolean isClosed() {
        return closed;
    }

    /** True once the host corrupted the ring. */
    boolean isFailed() {
        return out.isFailed();
    }

    /** What failed the ring. Allocates. */
    String describeFault() {
        return out.describeFault();
    }

    /** As {@link Doorbell#isStuck}. */
    boolean isDoorbellStuck() {
        return doorbell.isStuck();
    }

    long signals() {
        return doorbell.signals();
    }
}
