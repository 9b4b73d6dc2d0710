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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The machine's end of its VMBus connection, whether there is a host at the other end or not.
 * Thread-safe.
 */
final class BusLink implements VmbusForwarder.GuestEnd, Hypercalls.Connections, AutoCloseable {
    private final Partition partition;
    private final DoorbellPorts doorbells;
    private volatile @Nullable VmbusForwarder bus;

    /** Turns signals of a connection id into an eventfd in the kernel. */
    interface DoorbellPorts {
        void connect(int connectionId, EventFd doorbell, boolean connect) throws LinuxException;
    }

    BusLink(Partition partition, DoorbellPorts doorbells) {
        this.partition = partition;
        this.doorbells = doorbells;
    }

    /**
     * @param onLost told why, each time a host has gone by itself
     */
    void connect(UnixSocket socket, MachineMemory memory, Consumer<String> onLost)
            throws IOException {
        close();
        bus = VmbusForwarder.start(socket, memory, this, onLost);
    }

    void carryOver(UnixSocket socket) throws IOException {
        VmbusForwarder carried = bus;
        if (carried == null) {
            socket.close();
            throw new IOException("the machine has ended");
        }
        carried.carryOver(socket);
    }

    @Nullable VmbusForwarder bus() {
        return bus;
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
