package dev.airlock.vmbus.loopback;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.HostMemory;
import dev.airlock.vmbus.Doorbells;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.guest.GuestChannel;
import dev.airlock.vmbus.host.HostChannel;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A channel with both ends in this process and its rings in any memory. There is no bus: nothing is
 * negotiated, {@link HostChannel#offerSubchannels} offers what {@link
 * HostChannel#subchannelsWithoutBus} allows, and closing is told to the other end by {@link #close}
 * only.
 *
 * <p>The ends are what they are elsewhere: each may run on a thread of its own, or both on one.
 */
public final class Loopback implements AutoCloseable {
    private final GuestChannel guest;
    private final HostChannel host;
    private final Doorbells hostDoorbells;

    /**
     * @param rings guest-to-host ring, then the other; control words are zeroed here; the caller's,
     *     to be kept while the ends are used
     * @param outBytes size of the guest-to-host ring
     * @param hostMemory what the host's end may see of guest memory; the caller's
     * @param withDoorbells false for one thread that runs both ends: ringing does nothing
     */
    public Loopback(
            Offer offer,
            MemorySegment rings,
            long outBytes,
            HostMemory hostMemory,
            boolean withDoorbells)
            throws LinuxException {
        MemorySegment out = rings.asSlice(0, outBytes);
        MemorySegment in = rings.asSlice(outBytes);
        RingLayout.initialize(out);
        RingLayout.initialize(in);
        Doorbells guestDoorbells;
        if (withDoorbells) {
            EventFd toHost = EventFd.create();
            EventFd toGuest = EventFd.create();
            // Each end has descriptors of its own, as if they had crossed a socket.
            EventFd hostEar = EventFd.adopt(toHost.fd().duplicate());
            EventFd hostBell = EventFd.adopt(toGuest.fd().duplicate());
            guestDoorbells = new Doorbells(toHost, toGuest);
            hostDoorbells = new Doorbells(hostBell, hostEar);
        } else {
            guestDoorbells = silent();
            hostDoorbells = silent();
        }
        guest = GuestChannel.withoutBus(offer, out, in, guestDoorbells);
        host = HostChannel.withoutBus(offer, out, in, hostDoorbells, hostMemory);
    }

    public GuestChannel guest() {
        return guest;
    }

    public HostChannel host() {
        return host;
    }

    /** Ends both channels and wakes their threads. */
    @Override
    public void close() {
        host.end();
        guest.close();
        hostDoorbells.close();
    }

    private static Doorbells silent() throws LinuxException {
        @Nullable EventFd none = null;
        return new Doorbells(none, none);
    }
}
