package dev.airlock.vmbus.service;

import dev.airlock.linux.LinuxException;
import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostDevice;
import dev.airlock.vmbus.host.HostTap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One service for one guest: a channel on which the host asks and the guest answers, versions
 * first. A thread serves it while it is open. What the guest sends and is no answer is dropped; a
 * message for which the guest makes no room is too.
 *
 * <p>Thread-safe; {@link #due} and {@link #answered} are called by the channel's thread.
 */
abstract class ServiceDevice implements HostDevice {
    /** {@link #due}: there is nothing to wait for. */
    static final long NOTHING_DUE = -1;

    private static final int PACKET_BYTES_MAX = 4096;

    private final Offer offer;
    private final String name;
    private volatile @Nullable Serving serving;

    ServiceDevice(String name, Guid type, Guid instance) {
        this.name = name;
        this.offer = Offer.of(type, instance);
    }

    @Override
    public final Offer offer() {
        return offer;
    }

    @Override
    public final void opened(HostChannel channel) {
        Serving started = new Serving(channel);
        serving = started;
        started.thread.start();
    }

    @Override
    public final void closed(HostChannel channel) {
        Serving ending = serving;
        serving = null;
        if (ending != null) {
            ending.join();
        }
    }

    /** Whether the guest has opened the channel and agreed to a version. */
    final boolean isReady() {
        Serving now = serving;
        return now != null && now.ready;
    }

    /** Makes the thread ask {@link #due} again. */
    final void wake() {
        Serving now = serving;
        if (now != null) {
            now.channel.wake();
        }
    }

    /**
     * Sends what is to be sent now, once versions are agreed.
     *
     * @param first whether this is the first call since then
     * @return milliseconds until something is due, or {@link #NOTHING_DUE}
     */
    abstract long due(Sender sender, boolean first);

    /** An answer has come; its status is 0 for success. */
    abstract void answered(int type, int status);

    /** Sends one request. */
    interface Sender {
        /**
         * @param fill completes the packet, which is zero behind {@link ServiceMessage#DATA_OFFSET}
         */
        void send(int type, int dataBytes, Consumer<MemorySegment> fill);
    }

    /** The channel while it is open. */
    private final class Serving implements Sender {
        private final HostChannel channel;
        private final Thread thread;
        private final MemorySegment in = Arena.ofAuto().allocate(PACKET_BYTES_MAX, Long.BYTES);
        private final MemorySegment out = Arena.ofAuto().allocate(PACKET_BYTES_MAX, Long.BYTES);
        private long lastTransaction;
        private boolean first = true;
        private volatile boolean ready;

        Serving(HostChannel channel) {
            this.channel = channel;
            thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
        }

        private void run() {
            try {
                ServiceMessage.encodeNegotiation(out, ++lastTransaction);
                write();
                while (channel.isOpen() && !channel.in().isFailed()) {
                    readAll();
                    long wait = NOTHING_DUE;
                    if (ready) {
                        wait = due(this, first);
                        first = false;
                    }
                    if (!channel.in().unmaskInterrupts()) {
                        channel.awaitGuest(wait);
                    }
                }
            } catch (LinuxException e) {
                // Its eventfd has gone, so the guest has too; the bus says so.
            } finally {
                ready = false;
            }
        }

        private void readAll() {
            channel.in().maskInterrupts();
            int bytes = channel.in().read(in, 0, PACKET_BYTES_MAX);
            while (bytes > 0 && channel.isOpen()) {
                show(true, in, bytes);
                take(bytes);
                bytes = channel.in().read(in, 0, PACKET_BYTES_MAX);
            }
            if (channel.in().consumed()) {
                channel.signalGuest();
            }
        }

        private void take(int bytes) {
            if (!ServiceMessage.isAnswer(in, bytes)) {
                return;
            }
            int type = ServiceMessage.type(in);
            if (type == ServiceMessage.NEGOTIATE) {
                ready |= ServiceMessage.isAgreed(in, bytes);
            } else if (ready) {
                answered(type, ServiceMessage.status(in));
            }
        }

        @Override
        public void send(int type, int dataBytes, Consumer<MemorySegment> fill) {
            ServiceMessage.encode(out, type, dataBytes, ++lastTransaction);
            fill.accept(out);
            write();
        }

        private void write() {
            RingWriter ring = channel.out();
            int bytes = PacketDescriptor.packetBytes(out, 0);
            if (!ring.write(out, 0, bytes)) {
                return;
            }
            show(false, out, bytes);
            if (ring.publish() == RingWriter.SIGNAL) {
                channel.signalGuest();
            }
        }

        private void show(boolean fromGuest, MemorySegment packet, int bytes) {
            HostTap tap = channel.tap();
            if (tap != null) {
                tap.packet(fromGuest, packet, 0, bytes, channel.memory());
            }
        }

        private void join() {
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
