package dev.airlock.lab.hostile;

import dev.airlock.linux.LinuxException;
import dev.airlock.linux.UnixSocket;
import dev.airlock.vmbus.host.HostBus;
import dev.airlock.vmbus.host.HostLimits;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A storage host for one guest that does one {@link Attack} and is honest otherwise, with a RAM
 * disk of 64 MiB. The bus is that of real hosts, so that any guest gets as far as its disk; from
 * the {@link AttackChannel#HONEST_TRANSFERS}th read or write on, some answers are wrong.
 *
 * <p>A test instrument: it may run in its guest's process, on threads of its own. Thread-safe.
 */
public final class AttackHost implements AutoCloseable {
    private static final long DISK_BYTES = 64L << 20;

    private final HostTarget target = new HostTarget(DISK_BYTES, 0);
    private final AttackDevice device;
    private final HostBus bus;
    private final Thread server;

    /**
     * Serves a guest from now on.
     *
     * @param socket connected to the guest; owned from now on, also when this throws
     * @param attack null for none: an honest host
     * @param seed of all choices
     */
    public AttackHost(UnixSocket socket, @Nullable Attack attack, long seed) throws LinuxException {
        device = new AttackDevice(attack, seed, target, new ControlNoise(socket, seed));
        bus = new HostBus(socket, HostLimits.DEFAULT, List.of(device), AttackHost::ignore);
        server = Thread.ofPlatform().daemon().name("attack-bus").start(bus::serve);
    }

    /** Wrong answers, messages and ring words that the guest was sent so far. */
    public long wrongAnswers() {
        return device.wrongAnswers();
    }

    /** How long ago the guest sent its last request; or, before the first, this host's age. */
    public long nanosSinceRequest() {
        return System.nanoTime() - device.lastRequestNanos();
    }

    /** Why a thread of this host ended before its time; null if none did. */
    public @Nullable Throwable failure() {
        return device.failure();
    }

    /** Ends the connection and waits for the threads. */
    @Override
    public void close() {
        bus.close();
        boolean interrupted = false;
        while (server.isAlive()) {
            try {
                server.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        target.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** What an honest guest of this host gets refused is the guest's business here. */
    private static void ignore(String line) {}
}
