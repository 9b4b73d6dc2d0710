package dev.airlock.vmbus.service;

import dev.airlock.vmbus.Guid;

/** Asks the guest to switch itself off, as its power button would. Thread-safe. */
final class ShutdownService extends ServiceDevice {
    /** Linux {@code HV_SHUTDOWN_GUID}. */
    static final Guid TYPE = Guid.parse("0e0b6031-5213-4934-818b-38d90ced39db");

    /**
     * {@code struct shutdown_msg_data}: reason, seconds, flags (u32 each; 0 is a power-off), and a
     * text for whoever is logged in.
     */
    private static final int DATA_BYTES = 12 + 2048;

    private boolean asked;

    ShutdownService(String guest, Guid instance) {
        super(guest + "-shutdown", TYPE, instance);
    }

    /** False when the guest does not have the service open. */
    boolean ask() {
        if (!isReady()) {
            return false;
        }
        synchronized (this) {
            asked = true;
        }
        wake();
        return true;
    }

    @Override
    long due(Sender sender, boolean first) {
        boolean now;
        synchronized (this) {
            now = asked;
            asked = false;
        }
        if (now) {
            sender.send(ServiceMessage.SHUTDOWN, DATA_BYTES, packet -> {});
        }
        return NOTHING_DUE;
    }

    @Override
    void answered(int type, int status) {
        // A guest that agrees goes; one that does not is seen to stay.
    }
}
