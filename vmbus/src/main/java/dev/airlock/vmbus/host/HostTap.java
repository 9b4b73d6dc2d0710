package dev.airlock.vmbus.host;

import dev.airlock.memory.HostMemory;
import java.lang.foreign.MemorySegment;

/**
 * Who is shown all that crosses the boundary of a host's guests: control messages, GPADLs, ring
 * packets. Called by the bus's thread and by those of the devices, in the order of each; must be
 * quick and thread-safe, and must not change or keep what it is shown.
 */
public interface HostTap {
    /** A control message. */
    void message(boolean fromGuest, MemorySegment from, long at, int bytes);

    /** A GPADL that is complete, and how many of its pages the host can see. */
    void gpadl(int pages, int visiblePages);

    /**
     * A ring packet, descriptor and payload.
     *
     * @param memory what the host sees of this guest
     */
    void packet(boolean fromGuest, MemorySegment from, long at, int bytes, HostMemory memory);
}
