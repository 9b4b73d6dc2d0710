package dev.airlock.storvsp;

import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.memory.SharedRegion;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.loopback.Loopback;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A guest in this process: memory, a device, and channels between them without a bus. */
final class LoopbackGuest implements AutoCloseable {
    static final long RING_BYTES = 64 << 10;
    private static final long MEMORY_BYTES = 16 << 20;

    private final GuestMemory memory;
    private final HostMemory hostMemory = new HostMemory(HostMemoryLimits.DEFAULT);
    private final StorvspDevice device;
    private final List<Loopback> channels = new ArrayList<>();
    private final List<MemorySegment> rings = new ArrayList<>();

    LoopbackGuest(StorvspDevice device) throws IOException {
        this(device, GuestMemory.shared(MEMORY_BYTES));
    }

    LoopbackGuest(StorvspDevice device, GuestMemory memory) throws IOException {
        this.device = device;
        this.memory = memory;
        for (SharedRegion region : memory.sharedRegions()) {
            hostMemory.addRegion(region.gpa(), region.bytes(), region.memfd(), region.offset());
        }
    }

    GuestMemory memory() {
        return memory;
    }

    StorvspDevice device() {
        return device;
    }

    /** Opens the next channel, the first being the primary one. */
    ScriptedGuest open() throws LinuxException {
        return open(RING_BYTES, RING_BYTES);
    }

    ScriptedGuest open(long outBytes, long inBytes) throws LinuxException {
        Offer offer = device.offer().numbered(channels.size(), channels.size() + 1, 1);
        MemorySegment memoryOfRings = Arena.ofAuto().allocate(outBytes + inBytes, 4096);
        Loopback loopback = new Loopback(offer, memoryOfRings, outBytes, hostMemory, true);
        rings.add(memoryOfRings);
        channels.add(loopback);
        device.opened(loopback.host());
        return new ScriptedGuest(loopback.guest());
    }

    /** As the bus does when the guest goes: sub-channels first. */
    void closeChannel(int index) {
        Loopback loopback = channels.get(index);
        loopback.host().end();
        device.closed(loopback.host());
    }

    /** Puts a write index that cannot be into the guest-to-host ring of a channel. */
    void corruptOutgoing(int index) {
        rings.get(index).set(ValueLayout.JAVA_INT, RingLayout.WRITE_INDEX_OFFSET, 3);
    }

    /** Visible memory for a test's buffers. */
    long allocate(int bytes) {
        long gpa = memory.visiblePages().allocate(bytes, 4096);
        if (gpa < 0) {
            throw new AssertionError("guest memory exhausted");
        }
        return gpa;
    }

    /** The memory of a channel's rings: guest to host, then the other. */
    MemorySegment rings(int index) {
        return rings.get(index);
    }

    /** Closes every channel and opens the primary one again, on new rings. */
    ScriptedGuest reopen() throws LinuxException {
        closeAll();
        return open();
    }

    @Override
    public void close() {
        closeAll();
        hostMemory.close();
        memory.close();
    }

    private void closeAll() {
        for (int i = channels.size() - 1; i >= 0; i--) {
            closeChannel(i);
            channels.get(i).close();
        }
        channels.clear();
        rings.clear();
    }
}
