package dev.airlock.storvsp.server;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.PeerCredentials;
import dev.airlock.linux.UnixSocket;
import dev.airlock.storvsp.StorvspDevice;
import dev.airlock.storvsp.StorvspOptions;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.host.HostBusEvent;
import dev.airlock.vmbus.host.HostDevice;
import dev.airlock.vmbus.host.HostLimits;
import dev.airlock.vmbus.host.HostTap;
import dev.airlock.vmbus.service.IntegrationServices;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The guests that are connected, each with its bus, its device and a thread that serves it until it
 * goes. Thread-safe.
 */
final class GuestTable {
    /** Events of a bus that are not the guest's fault. */
    private static final Set<HostBusEvent> ORDINARY =
            Set.of(
                    HostBusEvent.MESSAGE,
                    HostBusEvent.CHANNEL_OPENED,
                    HostBusEvent.CHANNEL_CLOSED,
                    HostBusEvent.GPADL_CREATED,
                    HostBusEvent.DISCONNECTED,
                    HostBusEvent.VERSION_REFUSED);

    private final HostLimits limits;
    private final StorvspOptions storage;
    private final LunTable luns;
    private final Consumer<String> log;
    private final @Nullable HostTap tap;
    private final boolean offersServices;
    private final List<Guest> guests = new ArrayList<>();
    private int lastNumber;
    private boolean closed;

    private record Guest(
            PeerCredentials peer,
            HostBus bus,
            StorvspDevice device,
            IntegrationServices services,
            Thread thread) {}

    GuestTable(HostOptions options, LunTable luns) {
        this.tap = options.tap();
        this.offersServices = options.offersIntegrationServices();
        this.limits = options.limits();
        this.storage = options.storage();
        this.luns = luns;
        this.log = options.log();
    }

    /** Takes a connection, which is closed when the guest is refused or gone. */
    synchronized void admit(UnixSocket socket, PeerCredentials peer) throws LinuxException {
        if (closed || guests.size() >= limits.guestsMax()) {
            socket.close();
            if (!closed) {
                log.accept(
                        "guest refused: limit guestsMax=%d reached: pid=%d"
                                .formatted(limits.guestsMax(), peer.pid()));
            }
            return;
        }
        String name = "guest" + ++lastNumber;
        StorvspDevice device = new StorvspDevice(name, storage, luns, log);
        IntegrationServices services = new IntegrationServices(name);
        List<HostDevice> devices = new ArrayList<>(List.of(device));
        if (offersServices) {
            devices.addAll(services.devices());
        }
        HostBus bus =
                new HostBus(socket, limits, devices, line -> log.accept(name + ": " + line), tap);
        Thread thread =
                Thread.ofPlatform().name(name + "-bus").daemon().unstarted(() -> serve(bus));
        guests.add(new Guest(peer, bus, device, services, thread));
        log.accept("%s: connected pid=%d uid=%d".formatted(name, peer.pid(), peer.uid()));
        thread.start();
    }

    /** What each guest is and did. */
    List<GuestStatus> status() {
        List<Guest> connected;
        synchronized (this) {
            connected = List.copyOf(guests);
        }
        List<GuestStatus> all = new ArrayList<>();
        for (Guest guest : connected) {
            all.add(
                    new GuestStatus(
                            guest.device.name(),
                            guest.peer.pid(),
                            guest.peer.uid(),
                            guest.device.protocolVersion(),
                            guest.bus.memory().visiblePageCount(),
                            faults(guest.bus),
                            guest.services.heartbeat(),
                            guest.device.statistics()));
        }
        return all;
    }

    /** Asks those that can be asked to switch themselves off; tells how many those are. */
    int askToShutDown() {
        List<Guest> connected;
        synchronized (this) {
            connected = List.copyOf(guests);
        }
        return (int) connected.stream().filter(guest -> guest.services.askToShutDown()).count();
    }

    /** Ends every guest's connection and waits until all they held is released. */
    void close() throws InterruptedException {
        List<Guest> ending;
        synchronized (this) {
            closed = true;
            ending = List.copyOf(guests);
        }
        for (Guest guest : ending) {
            guest.bus.close();
        }
        for (Guest guest : ending) {
            guest.thread.join();
        }
    }

    private void serve(HostBus bus) {
        try {
            bus.serve();
        } finally {
            synchronized (this) {
                Guest gone = null;
                for (Guest guest : guests) {
                    gone = guest.bus == bus ? guest : gone;
                }
                if (gone != null) {
                    guests.remove(gone);
                    log.accept(gone.device.name() + ": gone");
                }
            }
        }
    }

    private static long faults(HostBus bus) {
        long faults = 0;
        for (Map.Entry<HostBusEvent, Long> event : bus.statistics().snapshot().entrySet()) {
            faults += ORDINARY.contains(event.getKey()) ? 0 : event.getValue();
        }
        return faults;
    }
}
