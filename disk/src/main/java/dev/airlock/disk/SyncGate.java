package dev.airlock.disk;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Sees to it that no sync of a file claims success while another one learns that data were lost.
 *
 * <p>Linux reports a failed writeback once per open file: whichever fdatasync or RWF_DSYNC write
 * looks first gets the error, and every other, though it waited for the same lost pages, gets
 * success. So a sync that succeeded first waits for those that ran beside it; if one of them
 * brought bad news, it failed too. Syncs that start later are not waited for: they cannot have
 * taken an error that this one should have seen.
 *
 * <p>Every sync is {@link #enter}, the system call, {@link #leave}, and a look at {@link #poison}.
 * Thread-safe; the lock is never held during the call, and nothing is allocated unless threads have
 * to wait.
 */
final class SyncGate {
    /**
     * Syncs under way at once; more wait for a place. Far above what the workers of one disk start.
     */
    static final int PLACES_MAX = 64;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition someoneLeft = lock.newCondition();

    /** By place, when its sync started, counted from 1; 0 for a free place. */
    private final long[] startedAt = new long[PLACES_MAX];

    private long lastStart;
    private int waiting;
    private volatile @Nullable String poison;

    /** Why data may be lost, or null while none are. Once set it stays. */
    @Nullable String poison() {
        return poison;
    }

    /** Starts a sync and returns its place. */
    int enter() {
        lock.lock();
        try {
            int place = freePlace();
            while (place < 0) {
                awaitSomeoneLeaving();
                place = freePlace();
            }
            startedAt[place] = ++lastStart;
            return place;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends a sync. One that succeeded returns when those that ran beside it have ended, too; then
     * {@link #poison} is null if and only if everything is durable that was acknowledged before
     * this sync started.
     *
     * @param failure what went wrong, which poisons from now on (the first reason is kept); null if
     *     nothing did
     */
    void leave(int place, @Nullable String failure) {
        lock.lock();
        try {
            startedAt[place] = 0;
            if (poison == null) {
                poison = failure;
            }
            if (waiting > 0) {
                someoneLeft.signalAll();
            }
            long until = lastStart;
            while (poison == null && anyStartedUpTo(until)) {
                awaitSomeoneLeaving();
            }
        } finally {
            lock.unlock();
        }
    }

    private int freePlace() {
        for (int place = 0; place < PLACES_MAX; place++) {
            if (startedAt[place] == 0) {
                return place;
            }
        }
        return -1;
    }

    private boolean anyStartedUpTo(long start) {
        for (long started : startedAt) {
            if (started != 0 && started <= start) {
                return true;
            }
        }
        return false;
    }

    private void awaitSomeoneLeaving() {
        waiting++;
        try {
            someoneLeft.awaitUninterruptibly();
        } finally {
            waiting--;
        }
    }
}
