package dev.airlock.storvsc;

import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.guest.GuestChannel;
import dev.airlock.vmbus.loopback.Loopback;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Channels with both ends in this process; a {@link FakeHost} at the other end of each. */
public final class LoopbackDevice implements DeviceChannels, AutoCloseable {
    private static final Offer OFFER =
            Offer.of(Offer.SCSI_INTERFACE, Guid.parse("61634a1f-0000-0000-0000-000000000001"));

    private final GuestMemory memory;
    private final boolean withDoorbells;
    private final HostMemory hostMemory = new HostMemory(HostMemoryLimits.DEFAULT);
    private final List<Loopback> loopbacks = new ArrayList<>();
    private final List<FakeHost> hosts = new ArrayList<>();
    private final FakeHost.Script script;
    int subchannels;

    LoopbackDevice(GuestMemory memory, boolean withDoorbells, FakeHost.Script script) {
        this.memory = memory;
        this.withDoorbells = withDoorbells;
        this.script = script;
    }

    @Override
    public GuestChannel open(int index, long ringGpa, int outBytes, int inBytes)
            throws IOException {
        MemorySegment rings = memory.bytes().asSlice(ringGpa, (long) outBytes + inBytes);
        Loopback loopback =
                new Loopback(
                        OFFER.numbered(index, 1 + index, 1 + index),
                        rings,
                        outBytes,
                        hostMemory,
                        withDoorbells);
        loopbacks.add(loopback);
        hosts.add(new FakeHost(loopback.host(), rings, memory, script));
        return loopback.guest();
    }

    @Override
    public int awaitSubchannels(int count, long timeoutMs) {
        return Math.min(count, subchannels);
    }

    FakeHost host(int index) {
        return hosts.get(index);
    }

    List<FakeHost> hosts() {
        return hosts;
    }

    @Override
    public void close() {
        loopbacks.forEach(Loopback::close);
        hostMemory.close();
    }
}
