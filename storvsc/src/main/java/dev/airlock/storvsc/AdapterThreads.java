package dev.airlock.storvsc;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads of an adapter, all daemons: one completion thread for each channel; one that looks
 * for time-outs and drives the recovery; one that guards the doorbells and so never signals; one
 * that rescans when the host says that disks came or went.
 */
final class AdapterThreads {
    /**
     * While something that was busy waits to be tried again (Linux {@code BLK_MQ_DELAY_QUEUE}, 3
     * ms).
     */
    private static final long RETRY_NANOS = 3_000_000;

    private static final long GUARD_NANOS = 100_000_000;

    private final StorvscAdapter adapter;
    private final String name;
    private final long tickNanos;
    private final List<Thread> threads = new ArrayList<>();
    private final Thread recovery;
    private final Thread events;
    private volatile boolean retrySoon;

    AdapterThreads(StorvscAdapter adapter, String name, long tickNanos) {
        this.adapter = adapter;
        this.name = name;
        this.tickNanos = tickNanos;
        this.recovery = daemon("recovery", this::recover);
        this.events = daemon("events", this::rescanOnDemand);
        daemon("guard", this::guard);
    }

    void addCompletionThread(int channel, CompletionThread completions) {
        daemon("channel-" + channel, completions);
    }

    void start() {
        threads.forEach(Thread::start);
    }

    /** Makes the recovery look in a few milliseconds instead of at its next tick. */
    void retrySoon() {
        retrySoon = true;
        LockSupport.unpark(recovery);
    }

    /** Makes the recovery look now instead of at its next tick. */
    void wakeRecovery() {
        LockSupport.unpark(recovery);
    }

    /** Makes the event thread look whether a rescan is wanted. */
    void wakeEvents() {
        LockSupport.unpark(events);
    }

    /**
     * Waits until every thread but the calling one has ended, which they do once the adapter has.
     */
    void join() {
        boolean interrupted = false;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
            while (!thread.equals(Thread.currentThread()) && thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void recover() {
        while (!adapter.hasEnded()) {
            adapter.tick();
            LockSupport.parkNanos(adapter.isAnyoneWaiting() ? RETRY_NANOS : tickNanos);
            if (retrySoon && adapter.failure() == null) {
                retrySoon = false;
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    private void guard() {
        while (!adapter.hasEnded()) {
            adapter.guardDoorbells();
            LockSupport.parkNanos(GUARD_NANOS);
        }
    }

    private void rescanOnDemand() {
        while (!adapter.hasEnded()) {
            // The rescan parks too, and may have used up the wake-up that tells of the end.
            if (!adapter.rescanIfWanted() && !adapter.hasEnded()) {
                LockSupport.park(this);
            }
        }
    }

    private Thread daemon(String role, Runnable work) {
        Thread thread = new Thread(work, "storvsc-" + name + "-" + role);
        thread.setDaemon(true);
        threads.add(thread);
        return thread;
    }
}
