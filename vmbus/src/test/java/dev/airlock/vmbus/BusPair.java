package dev.airlock.vmbus;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.GuestMemory;
import dev.airlock.vmbus.guest.GuestBus;
import dev.airlock.vmbus.guest.GuestBusListener;
import dev.airlock.vmbus.guest.GuestBusOptions;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.host.HostDevice;
import dev.airlock.vmbus.host.HostLimits;
import dev.airlock.vmbus.host.HostTap;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A guest bus and a host bus of one process, over a socket pair and real memfds. */
public final class BusPair implements AutoCloseable {
    public static final int RING_BYTES = 16 << 10;

    public final GuestMemory memory;
    public final HostBus host;
    public final GuestBus guest;
    public final List<String> reports = new CopyOnWriteArrayList<>();
    private final Thread hostThread;

    public BusPair(HostLimits limits, GuestBusListener listener, HostDevice... devices)
            throws IOException {
        this(limits, listener, null, devices);
    }

    private BusPair(
            HostLimits limits,
            GuestBusListener listener,
            @Nullable HostTap tap,
            HostDevice... devices)
            throws IOException {
        memory = GuestMemory.isolated(1 << 20, 1 << 20);
        UnixSocket.Pair pair = UnixSocket.pair();
        host = new HostBus(pair.right(), limits, List.of(devices), reports::add, tap);
        hostThread = Thread.ofPlatform().name("host-bus").start(host::serve);
        try {
            guest = GuestBus.connect(pair.left(), memory, GuestBusOptions.DEFAULT, listener);
        } catch (IOException e) {
            endHost();
            memory.close();
            throw e;
        }
    }

    public BusPair(HostDevice... devices) throws IOException {
        this(HostLimits.DEFAULT, GuestBusListener.NONE, devices);
    }

    /** The tap is shown all that crosses. */
    public BusPair(HostTap tap, HostDevice... devices) throws IOException {
        this(HostLimits.DEFAULT, GuestBusListener.NONE, tap, devices);
    }

    /** Visible pages for two rings of {@link #RING_BYTES}. */
    public long rings() {
        return memory.visiblePages().allocate(2L * RING_BYTES, 4096);
    }

    public void endHost() {
        host.close();
        joinHost();
    }

    public void joinHost() {
        try {
            hostThread.join(10_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (hostThread.isAlive()) {
            throw new AssertionError("host bus does not end");
        }
    }

    @Override
    public void close() throws LinuxException {
        guest.close();
        joinHost();
        memory.close();
    }
}
