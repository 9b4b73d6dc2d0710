package dev.airlock.nbd;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the changes of one disk apart where a sector is read, changed and written back: such a
 * request has its sectors to itself, all others change what they like at the same time, as a disk
 * allows it. In order of arrival, so nobody starves. For the threads of all the disk's connections.
 */
final class RangeLocks {
    private @Nullable Slot[] held = new @Nullable Slot[64];
    private int heldCount;
    private int exclusives;
    private @Nullable Slot firstWaiter;
    private @Nullable Slot lastWaiter;

    /**
     * Takes a range.
     *
     * @param exclusive whether no other change may be under way in it
     * @return false when the slot has to wait: it is posted to its mailbox when it has the range
     */
    synchronized boolean acquire(Slot slot, long start, long end, boolean exclusive) {
        slot.lockStart = start;
        slot.lockEnd = end;
        slot.lockExclusive = exclusive;
        boolean free = !exclusive && exclusives == 0 && firstWaiter == null;
        if (free || !isBlocked(slot, null)) {
            hold(slot);
            return true;
        }
        slot.next = null;
        Slot last = lastWaiter;
        if (last == null) {
            firstWaiter = slot;
        } else {
            last.next = slot;
        }
        lastWaiter = slot;
        return false;
    }

    /** Gives the range back, if the slot has one. */
    synchronized void release(Slot slot) {
        int index = slot.lockIndex;
        if (index < 0) {
            return;
        }
        slot.lockIndex = -1;
        heldCount--;
        Slot moved = held[heldCount];
        held[heldCount] = null;
        if (moved != null && index < heldCount) {
            held[index] = moved;
            moved.lockIndex = index;
        }
        if (slot.lockExclusive) {
            exclusives--;
        }
        if (firstWaiter != null) {
            grantWaiters();
        }
    }

    private void hold(Slot slot) {
        if (heldCount == held.length) {
            held = Arrays.copyOf(held, heldCount * 2);
        }
        held[heldCount] = slot;
        slot.lockIndex = heldCount++;
        if (slot.lockExclusive) {
            exclusives++;
        }
    }

    /** Whether what is held, or waits in front of {@code slot}, keeps it from its range. */
    private boolean isBlocked(Slot slot, @Nullable Slot upTo) {
        for (int i = 0; i < heldCount; i++) {
            if (conflict(held[i], slot)) {
                return true;
            }
        }
        for (Slot waiter = firstWaiter; waiter != null && waiter != upTo; waiter = waiter.next) {
            if (conflict(waiter, slot)) {
                return true;
            }
        }
        return false;
    }

    private static boolean conflict(@Nullable Slot one, Slot other) {
        return one != null
                && (one.lockExclusive || other.lockExclusive)
                && one.lockStart < other.lockEnd
                && other.lockStart < one.lockEnd;
    }

    private void grantWaiters() {
        Slot before = null;
        Slot waiter = firstWaiter;
        while (waiter != null) {
            Slot after = waiter.next;
            if (isBlocked(waiter, waiter)) {
                before = waiter;
            } else {
                if (before == null) {
                    firstWaiter = after;
                } else {
                    before.next = after;
                }
                if (after == null) {
                    lastWaiter = before;
                }
                hold(waiter);
                waiter.mailbox.post(waiter);
            }
            waiter = after;
        }
    }
}
