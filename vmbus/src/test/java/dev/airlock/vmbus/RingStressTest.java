package dev.airlock.vmbus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Mapping;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.vmbus.loopback.Loopback;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Two threads that sleep whenever the protocol lets them: a wake-up that is lost leaves both asleep
 * for ever, which the time-out turns into a failure.
 */
@Timeout(60)
class RingStressTest {
    private static final int RING = RingLayout.MIN_RING_BYTES;
    private static final long RUN_NANOS = 3_000_000_000L;

    @Test
    void shouldLoseNoWakeUpNorPacketBetweenTwoSleepyThreads() throws Exception {
        long seed = Seed.get();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        AtomicLong sent = new AtomicLong();
        AtomicLong received = new AtomicLong();
        AtomicLong sleepsForRoom = new AtomicLong();
        AtomicLong sleepsForData = new AtomicLong();
        try (Mapping rings = Mapping.anonymous(2 * RING);
                HostMemory none = new HostMemory(HostMemoryLimits.DEFAULT);
                Loopback loop =
                        new Loopback(
                                Offer.of(Offer.SCSI_INTERFACE, new Guid(1, 1)),
                                rings.segment(),
                                RING,
                                none,
                                true)) {
            Thread producer =
                    start("producer", failure, () -> produce(loop, seed, sent, sleepsForRoom));
            Thread consumer =
                    start("consumer", failure, () -> consume(loop, seed, received, sleepsForData));
            producer.join();
            consumer.join();
        }
        System.out.printf(
                "packets=%d sleepsForRoom=%d sleepsForData=%d%n",
                sent.get(), sleepsForRoom.get(), sleepsForData.get());
        assertThat(failure.get()).as("seed=%d", seed).isNull();
        assertThat(received.get()).as("seed=%d", seed).isEqualTo(sent.get());
        assertThat(sleepsForRoom.get()).isPositive();
        assertThat(sleepsForData.get()).isPositive();
    }

    private interface Body {
        void run() throws LinuxException;
    }

    private static Thread start(
            String name, AtomicReference<@Nullable Throwable> failure, Body body) {
        return Thread.ofPlatform()
                .daemon()
                .name(name)
                .start(() -> {
                    try {
                        body.run();
                    } catch (LinuxException | RuntimeException | AssertionError e) {
                        failure.compareAndSet(null, e);
                    }
                });
    }

    /** Sends packets with their number and a check byte, then one with id -1. */
    private static void produce(Loopback loop, long seed, AtomicLong sent, AtomicLong sleeps)
            throws LinuxException {
        SplittableRandom random = new SplittableRandom(seed);
        RingWriter out = loop.guest().out();
        MemorySegment packet = Arena.ofAuto().allocate(RING, 8);
        long end = System.nanoTime() + RUN_NANOS;
        for (long id = 0; ; id++) {
            boolean last = System.nanoTime() >= end;
            int bytes = 24 + 8 * random.nextInt(random.nextInt(8) == 0 ? 300 : 12);
            PacketDescriptor.encode(
                    packet, 0, PacketDescriptor.TYPE_DATA_INBAND, 16, bytes, 0, last ? -1 : id);
            packet.asSlice(16, bytes - 16).fill((byte) id);
            while (!out.write(packet, 0, bytes)) {
                int flags = out.awaitRoom(bytes);
                if ((flags & RingWriter.SIGNAL) != 0) {
                    loop.guest().signalHost();
                }
                if ((flags & RingWriter.ROOM) == 0) {
                    sleeps.incrementAndGet();
                    loop.guest().await(-1);
                }
            }
            sent.incrementAndGet();
            if ((last || random.nextInt(3) == 0) && out.publish() == RingWriter.SIGNAL) {
                loop.guest().signalHost();
            }
            if (last) {
                return;
            }
        }
    }

    private static void consume(Loopback loop, long seed, AtomicLong received, AtomicLong sleeps)
            throws LinuxException {
        SplittableRandom random = new SplittableRandom(seed + 1);
        RingReader in = loop.host().in();
        MemorySegment packet = Arena.ofAuto().allocate(RING, 8);
        long expected = 0;
        boolean masks = true;
        while (true) {
            if (masks) {
                in.maskInterrupts();
            }
            int bytes;
            while ((bytes = in.read(packet, 0, RING)) > 0) {
                received.incrementAndGet();
                long id = PacketDescriptor.transactionId(packet, 0);
                if (id == -1) {
                    return;
                }
                assertThat(id).isEqualTo(expected);
                byte check = packet.get(ValueLayout.JAVA_BYTE, bytes - 1);
                assertThat(check).isEqualTo((byte) expected);
                expected++;
                if (random.nextInt(4) == 0 && in.consumed()) {
                    loop.host().signalGuest();
                }
            }
            assertThat(bytes).as(in.describeFault()).isZero();
            if (in.consumed()) {
                loop.host().signalGuest();
            }
            if (!in.unmaskInterrupts()) {
                sleeps.incrementAndGet();
                loop.host().awaitGuest(-1);
            }
            masks = random.nextBoolean();
        }
    }
}
