package dev.airlock.lab.hostile;

import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostDevice;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** The storage device of an {@link AttackHost}: one channel at a time, which is its thread. */
final class AttackDevice implements HostDevice {
    private static final Offer OFFER =
            Offer.of(Offer.SCSI_INTERFACE, new Guid(0x6174_7461, 0x636B_2121));

    private final @Nullable Attack attack;
    private final long seed;
    private final HostTarget target;
    private final ControlNoise noise;
    private final LongAdder wrong = new LongAdder();
    private final AtomicLong lastRequestNanos = new AtomicLong(System.nanoTime());
    private volatile @Nullable Throwable failure;
    private @Nullable Thread thread;

    AttackDevice(@Nullable Attack attack, long seed, HostTarget target, ControlNoise noise) {
        this.attack = attack;
        this.seed = seed;
        this.target = target;
        this.noise = noise;
    }

    long wrongAnswers() {
        return wrong.sum();
    }

    /** When the last request came, or else this device, by {@link System#nanoTime}. */
    long lastRequestNanos() {
        return lastRequestNanos.get();
    }

    @Nullable Throwable failure() {
        return failure;
    }

    @Override
    public Offer offer() {
        return OFFER;
    }

    @Override
    public void opened(HostChannel channel) {
        target.reconnect();
        AttackChannel served =
                new AttackChannel(
                        channel, attack, new Dice(seed), target, noise, wrong, lastRequestNanos);
        thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("attack-ring")
                        .start(() -> {
                            try {
                                served.run();
                            } catch (Exception | Error e) {
                                failure = e;
                            }
                        });
    }

    @Override
    public void closed(HostChannel channel) {
        Thread running = thread;
        boolean interrupted = false;
        while (running != null && running.isAlive()) {
            channel.wake();
            try {
                running.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
