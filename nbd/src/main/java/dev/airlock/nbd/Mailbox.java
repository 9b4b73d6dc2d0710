package dev.airlock.nbd;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Where a connection's thread finds the requests whose next step has come, whoever ended the last
 * one: mostly itself, polling its channel, and then no memory is shared and nobody is woken.
 * Posting is for any thread and allocates nothing.
 */
final class Mailbox implements AutoCloseable {
    private final AtomicReference<@Nullable Slot> posted = new AtomicReference<>();
    private final EventFd wake;
    private volatile boolean sleeping;
    private volatile boolean nudged;

    /** The owner's alone: what it posted to itself, in order. */
    private @Nullable Slot firstOwn;

    private @Nullable Slot lastOwn;
    private @Nullable Thread owner;

    Mailbox() throws LinuxException {
        wake = EventFd.create();
    }

    /** The calling thread is the one that takes. */
    void own() {
        owner = Thread.currentThread();
    }

    /** The slot's next step has come. */
    void post(Slot slot) {
        slot.next = null;
        if (Thread.currentThread().equals(owner)) {
            Slot last = lastOwn;
            if (last == null) {
                firstOwn = slot;
            } else {
                last.next = slot;
            }
            lastOwn = slot;
            return;
        }
        Slot head;
        do {
            head = posted.get();
            slot.next = head;
        } while (!posted.compareAndSet(head, slot));
        wakeSleeper();
    }

    /** Has the owner look around: the server ends, or another guest is there. */
    void nudge() {
        nudged = true;
        wakeSleeper();
    }

    /** Whether there was a {@link #nudge} since the last time. By the owner. */
    boolean takeNudge() {
        if (!nudged) {
            return false;
        }
        nudged = false;
        return true;
    }

    /** Takes one slot; null when there is none. By the owner. */
    @Nullable Slot take() {
        if (firstOwn == null && posted.get() != null) {
            takePosted();
        }
        Slot first = firstOwn;
        if (first != null) {
            firstOwn = first.next;
            if (firstOwn == null) {
                lastOwn = null;
            }
            first.next = null;
        }
        return first;
    }

    /** The owner is about to sleep on {@link #event}; false when it must not. */
    boolean beginSleep() {
        // Volatile: whoever posts either sees this, or has posted before the look that follows.
        sleeping = true;
        if (posted.get() != null || nudged || firstOwn != null) {
            sleeping = false;
            return false;
        }
        return true;
    }

    /** The owner is awake. */
    void endSleep(boolean signalled) {
        sleeping = false;
        if (signalled) {
            wake.drain();
        }
    }

    EventFd event() {
        return wake;
    }

    @Override
    public void close() {
        wake.close();
    }

    private void wakeSleeper() {
        if (sleeping) {
            wake.signal();
        }
    }

    /** The latest is first in the stack: turns it round. */
    private void takePosted() {
        Slot slot = posted.getAndSet(null);
        Slot after = null;
        lastOwn = slot;
        while (slot != null) {
            Slot before = slot.next;
            slot.next = after;
            after = slot;
            slot = before;
        }
        firstOwn = after;
    }
}
