package dev.airlock.storvsc;

import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.GuestMemory;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.guest.GuestBus;
import dev.airlock.vmbus.guest.GuestBusListener;
import dev.airlock.vmbus.guest.GuestBusOptions;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.host.HostLimits;
import java.io.IOException;
import java.util.List;
import java.util.Objects;

/** A guest and its host over a socket, with all the threads that they have in earnest. */
final class BusRig implements AutoCloseable {
    static final int MIB = 1 << 20;

    final GuestMemory memory;
    final DmaMapper mapper;
    final FakeDevice device;
    final HostBus hostBus;
    final GuestBus bus;
    final StorvscAdapter adapter;
    private final Thread hostThread;

    BusRig(boolean isolated, FakeHost.Script script, StorvscOptions options) throws IOException {
        this(isolated, script, options, GuestBusOptions.DEFAULT);
    }

    BusRig(
            boolean isolated,
            FakeHost.Script script,
            StorvscOptions options,
            GuestBusOptions busOptions)
            throws IOException {
        memory = isolated ? GuestMemory.isolated(16 * MIB, 12 * MIB) : GuestMemory.shared(28 * MIB);
        mapper =
                DmaMapper.forGuest(
                        memory,
                        SwiotlbOptions.DEFAULTS.withPoolBytes(4 * MIB).withChecker(true),
                        DmaLimits.STORVSC);
        UnixSocket.Pair pair = UnixSocket.pair();
        device = new FakeDevice(memory, script);
        hostBus = new HostBus(pair.right(), HostLimits.DEFAULT, List.of(device), line -> {});
        hostThread = Thread.ofPlatform().daemon().name("host-bus").start(hostBus::serve);
        bus = GuestBus.connect(pair.left(), memory, busOptions, GuestBusListener.NONE);
        Offer offer = Objects.requireNonNull(BusDevice.find(bus));
        adapter =
                StorvscAdapter.open(new BusDevice(bus, offer, 2), mapper, memory.bytes(), options);
    }

    /** The host goes, as a killed process would. */
    void killHost() {
        hostBus.close();
    }

    long slotsInUse() {
        return mapper.statistics().slotsUsed();
    }

    @Override
    public void close() throws IOException {
        adapter.close();
        bus.close();
        try {
            hostThread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        mapper.close();
        memory.close();
    }
}
