package dev.airlock.storvsc;

import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostDevice;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A {@link FakeHost} on each channel that a guest opens over a real bus, each on its own thread.
 */
final class FakeDevice implements HostDevice {
    private static final int MAX_SUBCHANNELS = 4;

    private final Offer offer = Offer.of(Offer.SCSI_INTERFACE, new Guid(7, 7));
    private final Map<HostChannel, Thread> threads = new ConcurrentHashMap<>();
    private final GuestMemory memory;
    private final FakeHost.Script script;

    /** The channels in the order in which they were opened. */
    final List<FakeHost> hosts = new CopyOnWriteArrayList<>();

    FakeDevice(GuestMemory memory, FakeHost.Script script) {
        this.memory = memory;
        this.script = script;
    }

    @Override
    public Offer offer() {
        return offer;
    }

    @Override
    public void opened(HostChannel channel) {
        FakeHost host = new FakeHost(channel, null, memory, script);
        host.maxSubchannels = MAX_SUBCHANNELS;
        hosts.add(host);
        threads.put(
                channel,
                Thread.ofPlatform().daemon().name("fake-host").start(() -> serve(host, channel)));
    }

    @Override
    public void closed(HostChannel channel) {
        Thread thread = threads.remove(channel);
        try {
            if (thread != null) {
                thread.join();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void serve(FakeHost host, HostChannel channel) {
        try {
            while (channel.isOpen()) {
                channel.in().maskInterrupts();
                int handled = host.pump();
                if (handled == 0 && !channel.in().unmaskInterrupts()) {
                    channel.awaitGuest(-1);
                }
            }
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }
}
