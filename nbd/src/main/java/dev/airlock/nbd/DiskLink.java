package dev.airlock.nbd;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.PageAllocator;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.StorvscChannel;
import dev.airlock.storvsc.block.BlockDevice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A connection's way to its disk: a channel that it polls itself, a device that uses only that
 * channel, and buffers in memory that the host can see, so that data passes between socket and disk
 * without a copy of ours. For one thread.
 */
final class DiskLink implements AutoCloseable {
    private static final int POLL_BATCH = 64;

    /** Of the buffers that a connection leaves, so much stays in memory for the next one. */
    private static final long KEPT_BYTES = 4 * BusyBudget.SMALL_BYTES;

    private final GuestSession session;
    private final StorvscChannel channel;
    private final BlockDevice device;
    private final BufferArena arena;
    private final long arenaGpa;
    private final long arenaBytes;

    /**
     * The channel's doorbell by a descriptor of our own: who closes the channel waits for threads
     * that sleep on its own one.
     */
    private final @Nullable EventFd interrupt;

    private DiskLink(
            GuestSession session,
            StorvscChannel channel,
            BlockDevice device,
            @Nullable EventFd interrupt,
            long arenaGpa,
            long arenaBytes,
            int requestsMax) {
        this.session = session;
        this.channel = channel;
        this.device = device;
        this.interrupt = interrupt;
        this.arenaGpa = arenaGpa;
        this.arenaBytes = arenaBytes;
        this.arena = new BufferArena(arenaGpa, arenaBytes, requestsMax);
        channel.attend();
    }

    /**
     * @param session retained by the caller, released by {@link #close}, or by this when it throws
     * @throws IOException when there is no memory left
     */
    static DiskLink open(GuestSession session, LunFacts disk, long arenaBytes, int requestsMax)
            throws IOException {
        long gpa = PageAllocator.NONE;
        EventFd interrupt = null;
        boolean opened = false;
        try {
            gpa = session.takeBuffers(arenaBytes);
            if (gpa == PageAllocator.NONE) {
                throw new IOException("no guest memory left: bytes=" + arenaBytes);
            }
            StorvscChannel channel = session.nextChannel();
            interrupt = duplicate(channel.interrupt());
            BlockDevice device =
                    BlockDevice.open(session.guest().adapter(), disk, channel, requestsMax);
            DiskLink link =
                    new DiskLink(session, channel, device, interrupt, gpa, arenaBytes, requestsMax);
            opened = true;
            return link;
        } finally {
            if (!opened) {
                if (interrupt != null) {
                    interrupt.close();
                }
                if (gpa != PageAllocator.NONE) {
                    session.leaveBuffers(gpa);
                }
                session.release();
            }
        }
    }

    private static @Nullable EventFd duplicate(@Nullable EventFd doorbell) throws LinuxException {
        if (doorbell == null) {
            return null;
        }
        try {
            return EventFd.adopt(doorbell.fd().duplicate());
        } catch (IllegalStateException closedAlready) {
            return null;
        }
    }

    /** What the host rings when {@link #channel} has answers; null when it never will. */
    @Nullable EventFd interrupt() {
        return interrupt;
    }

    StorvscChannel channel() {
        return channel;
    }

    BlockDevice device() {
        return device;
    }

    BufferArena arena() {
        return arena;
    }

    /** All guest memory. */
    MemorySegment memory() {
        return session.guest().memory().bytes();
    }

    /** Ends what the host has answered; whether there was anything. */
    boolean poll() {
        return channel.poll(POLL_BATCH) > 0;
    }

    /** Whether the disk or its host has gone. */
    boolean isGone() {
        return device.isGone() || session.isRetired();
    }

    /**
     * Nothing may be under way. What clients saw is wiped out. The pages that were used most stay,
     * since getting them anew costs the next connection more than its first megabytes do.
     */
    @Override
    public void close() {
        channel.leave();
        if (interrupt != null) {
            interrupt.close();
        }
        device.close();
        long touched = arena.touched();
        long kept = Math.min(touched, KEPT_BYTES);
        memory().asSlice(arenaGpa, kept).fill((byte) 0);
        if (touched > kept) {
            try {
                session.guest().memory().discardVisible(arenaGpa + kept, touched - kept);
            } catch (LinuxException e) {
                memory().asSlice(arenaGpa + kept, touched - kept).fill((byte) 0);
            }
        }
        session.leaveBuffers(arenaGpa);
        session.release();
    }
}
