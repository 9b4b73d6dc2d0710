package dev.airlock.storvsp.server;

import dev.airlock.linux.UnixSocket;
import dev.airlock.memory.GuestMemory;
import dev.airlock.storvsp.ScriptedGuest;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.guest.GuestBus;
import dev.airlock.vmbus.guest.GuestBusListener;
import dev.airlock.vmbus.guest.GuestBusOptions;
import dev.airlock.vmbus.guest.GuestChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A guest that is connected to a host's socket, with its storage device opened and negotiated. */
final class SocketGuest implements AutoCloseable {
    static final int RING_BYTES = 64 << 10;
    private static final long MEMORY_BYTES = 4 << 20;
    private static final long OFFER_TIMEOUT_S = 15;

    private final GuestMemory memory = GuestMemory.shared(MEMORY_BYTES);
    private final LinkedBlockingQueue<Offer> offers = new LinkedBlockingQueue<>();
    private final List<GuestChannel> channels = new ArrayList<>();
    private final UnixSocket socket;
    private final GuestBus bus;
    private final ScriptedGuest channel;

    SocketGuest(Path path) throws IOException {
        socket = UnixSocket.connect(path, 5_000);
        bus =
                GuestBus.connect(
                        socket,
                        memory,
                        GuestBusOptions.DEFAULT,
                        new GuestBusListener() {
                            @Override
                            public void offered(Offer offer) {
                                offers.add(offer);
                            }
                        });
        channel = openNext();
        channel.negotiate();
    }

    /** Opens the next channel that the host offers. */
    ScriptedGuest openNext() throws IOException {
        Offer offer;
        try {
            offer = offers.poll(OFFER_TIMEOUT_S, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
        if (offer == null) {
            throw new AssertionError("no offer came");
        }
        long rings = allocate(2 * RING_BYTES);
        GuestChannel opened = bus.open(offer, rings, RING_BYTES, RING_BYTES);
        channels.add(opened);
        return new ScriptedGuest(opened);
    }

    ScriptedGuest channel() {
        return channel;
    }

    GuestBus bus() {
        return bus;
    }

    GuestMemory memory() {
        return memory;
    }

    long allocate(int bytes) {
        long gpa = memory.visiblePages().allocate(bytes, 4096);
        if (gpa < 0) {
            throw new AssertionError("guest memory exhausted");
        }
        return gpa;
    }

    /** Goes without a word, like a process that was killed. */
    void die() {
        socket.close();
    }

    @Override
    public void close() {
        channels.reversed().forEach(GuestChannel::close);
        bus.close();
        memory.close();
    }
}
