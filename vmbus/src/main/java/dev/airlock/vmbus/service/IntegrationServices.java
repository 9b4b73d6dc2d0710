package dev.airlock.vmbus.service;

import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.host.HostDevice;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * What Hyper-V does for a guest besides devices: shutdown, heartbeat and time synchronisation, for
 * one guest. A guest without drivers for them leaves the offers alone. Thread-safe.
 */
public final class IntegrationServices {
    /** The instances, the same on every Hyper-V. */
    private static final Guid SHUTDOWN = Guid.parse("b6650ff7-33bc-4840-8048-e0676786f393");

    private static final Guid HEARTBEAT = Guid.parse("fd149e91-82e0-4a7d-afa6-2a4166cbd7c0");
    private static final Guid TIME_SYNC = Guid.parse("2dd1ce17-079e-403c-b352-a1921ee207ee");

    private final ShutdownService shutdown;
    private final HeartbeatService heartbeat;
    private final TimeSyncService timeSync;

    /** For the guest of that name, by this machine's clocks. */
    public IntegrationServices(String guest) {
        this(guest, () -> System.nanoTime() / 1_000_000, InstantSource.system());
    }

    IntegrationServices(String guest, LongSupplier millis, InstantSource clock) {
        shutdown = new ShutdownService(guest, SHUTDOWN);
        heartbeat = new HeartbeatService(guest, HEARTBEAT, millis);
        timeSync = new TimeSyncService(guest, TIME_SYNC, clock);
    }

    /** To offer to the guest. */
    public List<HostDevice> devices() {
        return List.of(shutdown, heartbeat, timeSync);
    }

    /**
     * Asks the guest to switch itself off. Does not wait: the guest may take its time, or not do
     * it.
     *
     * @return false when it has no driver for it, so that asking is in vain
     */
    public boolean askToShutDown() {
        return shutdown.ask();
    }

    /** Whether the guest is alive. */
    public Heartbeat heartbeat() {
        return heartbeat.state();
    }
}
