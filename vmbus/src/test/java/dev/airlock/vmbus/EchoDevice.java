package dev.airlock.vmbus;

import dev.airlock.linux.LinuxException;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostDevice;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;

/** A device that completes every packet with its own payload, on a thread per channel. */
public final class EchoDevice implements HostDevice {
    public final BlockingQueue<HostChannel> opened = new LinkedBlockingQueue<>();
    public final BlockingQueue<HostChannel> closed = new LinkedBlockingQueue<>();
    private final Map<HostChannel, Thread> threads = new ConcurrentHashMap<>();
    private final Offer offer;

    public EchoDevice(int number) {
        offer = Offer.of(Offer.SCSI_INTERFACE, new Guid(number, 0));
    }

    @Override
    public Offer offer() {
        return offer;
    }

    @Override
    public void opened(HostChannel channel) {
        threads.put(channel, Thread.ofPlatform().daemon().name("echo").start(() -> serve(channel)));
        opened.add(channel);
    }

    @Override
    public void closed(HostChannel channel) {
        try {
            Thread thread = threads.remove(channel);
            if (thread != null) {
                thread.join();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        closed.add(channel);
    }

    private static void serve(HostChannel channel) {
        MemorySegment packet = Arena.ofAuto().allocate(8192, 8);
        RingReader in = channel.in();
        RingWriter out = channel.out();
        try {
            while (channel.isOpen() && !in.isFailed() && !out.isFailed()) {
                in.maskInterrupts();
                int bytes;
                while ((bytes = in.read(packet, 0, 8192)) > 0) {
                    PacketDescriptor.encode(
                            packet,
                            0,
                            PacketDescriptor.TYPE_COMPLETION,
                            PacketDescriptor.dataOffset(packet, 0),
                            bytes,
                            0,
                            PacketDescriptor.transactionId(packet, 0));
                    while (!out.write(packet, 0, bytes)) {
                        int flags = out.awaitRoom(bytes);
                        if ((flags & RingWriter.SIGNAL) != 0) {
                            channel.signalGuest();
                        }
                        if ((flags & RingWriter.ROOM) == 0) {
                            channel.awaitGuest(-1);
                        }
                        if (!channel.isOpen() || out.isFailed()) {
                            return;
                        }
                    }
                }
                if (out.publish() == RingWriter.SIGNAL) {
                    channel.signalGuest();
                }
                if (in.consumed()) {
                    channel.signalGuest();
                }
                if (bytes == 0 && !in.unmaskInterrupts()) {
                    channel.awaitGuest(-1);
                }
            }
        } catch (LinuxException e) {
            throw new AssertionError(e);
        }
    }
}
