package dev.airlock.storvsc;

import java.util.concurrent.locks.LockSupport;

/** Wakes the one thread that waits for a command. */
final class EndSignal implements ScsiCompletion {
    private final Thread waiter = Thread.currentThread();
    private volatile boolean set;

    @Override
    public void completed(ScsiRequest request) {
        set = true;
        LockSupport.unpark(waiter);
    }

    boolean isSet() {
        return set;
    }
}
