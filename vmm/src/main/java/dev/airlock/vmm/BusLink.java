package dev.airlock.vmm;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmm.bus.VmbusForwarder;
import dev.airlock.vmm.hyperv.Hypercalls;
import dev.airlock.vmm.hyperv.Partition;
import dev.airlock.vmm.memory.MachineMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The machine's end of its VMBus connection, whether there is a host at the other end or not.
 * Thread-safe.
 */
final class BusLink implements VmbusForwarder.GuestEnd, Hypercalls.Connections, AutoCloseable {
    private final Partition partition;
    private final DoorbellPorts doorbells;
    private volatile @Nullable VmbusForwarder bus;
    private volatile @Nullable String lostBecause;

    /** Turns signals of a connection id into an eventfd in the kernel. */
    interface DoorbellPorts {
        void connect(int connectionId, EventFd doorbell, boolean connect) throws LinuxException;
    }

    BusLink(Partition partition, DoorbellPorts doorbells) {
        this.partition = partition;
        this.doorbells = doorbells;
    }

    void connect(UnixSocket socket, MachineMemory memory) throws IOException {
        close();
        lostBecause = null;
        bus = VmbusForwarder.start(socket, memory, this, why -> lostBecause = why);
    }

    @Nullable VmbusForwarder bus() {
        return bus;
    }

    @Nullable String lostBecause() {
        return lostBecause;
    }

    @Override
    public int post(int connectionId, MemorySegment message) {
        VmbusForwarder to = bus;
        return to == null ? Hypercalls.INVALID_CONNECTION_ID : to.post(connectionId, message);
    }

    @Override
    public int signal(int connectionId) {
        VmbusForwarder to = bus;
        return to == null ? Hypercalls.INVALID_CONNECTION_ID : to.signal(connectionId);
    }

    @Override
    public boolean post(int cpu, int sint, byte[] message) {
        return partition.synic(cpu).post(sint, message);
    }

    @Override
    public void signal(int cpu, int sint, int flag) {
        partition.synic(cpu).signal(sint, flag);
    }

    @Override
    public void connect(int connectionId, EventFd doorbell, boolean connect) throws LinuxException {
        doorbells.connect(connectionId, doorbell, connect);
    }

    @Override
    public void close() {
        VmbusForwarder old = bus;
        if (old != null) {
            bus = null;
            old.close();
        }
    }
}
