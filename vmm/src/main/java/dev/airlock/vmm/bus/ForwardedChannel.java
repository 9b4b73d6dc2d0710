package dev.airlock.vmm.bus;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;

/**
 * A channel on offer, and its two doorbells while it is open. For {@link VmbusForwarder}'s lock.
 */
final class ForwardedChannel {
    final int relid;
    final int connectionId;
    private volatile int targetCpu;
    private volatile Doorbells doorbells = Doorbells.NONE;

    /** Both eventfds, or neither. */
    record Doorbells(
            @org.jspecify.annotations.Nullable EventFd toHost,
            @org.jspecify.annotations.Nullable EventFd toGuest) {
        static final Doorbells NONE = new Doorbells(null, null);
    }

    ForwardedChannel(int relid, int connectionId) {
        this.relid = relid;
        this.connectionId = connectionId;
    }

    int targetCpu() {
        return targetCpu;
    }

    void setTargetCpu(int cpu) {
        targetCpu = cpu;
    }

    Doorbells doorbells() {
        return doorbells;
    }

    Doorbells makeDoorbells() throws LinuxException {
        EventFd toHost = EventFd.create();
        try {
            Doorbells made = new Doorbells(toHost, EventFd.create());
            doorbells = made;
            return made;
        } catch (LinuxException e) {
            toHost.close();
            throw e;
        }
    }

    void closeDoorbells() {
        Doorbells old = doorbells;
        doorbells = Doorbells.NONE;
        EventFd toHost = old.toHost();
        EventFd toGuest = old.toGuest();
        if (toHost != null) {
            toHost.close();
        }
        if (toGuest != null) {
            toGuest.close();
        }
    }
}
