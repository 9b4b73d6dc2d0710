package dev.airlock.storvsc.block;

import org.jspecify.annotations.Nullable;

/**
 * What a device could not queue yet, in the order in which it is to be tried: commands that were
 * with the host before, then requests with commands left to issue. Commands that the host was too
 * busy for stand apart until the next {@link #readmit}. The links are in the objects, so waiting
 * allocates nothing. Thread-safe.
 */
final class WaitQueue {
    private @Nullable Transfer firstRetry;
    private @Nullable Transfer lastRetry;
    private @Nullable Transfer delayed;
    private @Nullable BlockRequest firstRequest;
    private @Nullable BlockRequest lastRequest;
    private volatile int size;

    /** Whether nothing waits, delayed commands included. */
    boolean isEmpty() {
        return size == 0;
    }

    synchronized void addLast(BlockRequest request) {
        BlockRequest last = lastRequest;
        if (last == null) {
            firstRequest = request;
        } else {
            last.next(request);
        }
        lastRequest = request;
        grow(1);
    }

    synchronized void addFirst(BlockRequest request) {
        request.next(firstRequest);
        firstRequest = request;
        if (lastRequest == null) {
            lastRequest = request;
        }
        grow(1);
    }

    /** The first request, taken out; null when there is none. */
    synchronized @Nullable BlockRequest takeRequest() {
        BlockRequest first = firstRequest;
        if (first != null) {
            firstRequest = first.next();
            first.next(null);
            if (firstRequest == null) {
                lastRequest = null;
            }
            grow(-1);
        }
        return first;
    }

    synchronized void addRetry(Transfer transfer) {
        Transfer last = lastRetry;
        if (last == null) {
            firstRetry = transfer;
        } else {
            last.next(transfer);
        }
        lastRetry = transfer;
        grow(1);
    }

    synchronized void addRetryFirst(Transfer transfer) {
        transfer.next(firstRetry);
        firstRetry = transfer;
        if (lastRetry == null) {
            lastRetry = transfer;
        }
        grow(1);
    }

    /** The first command to try again, taken out; null when there is none. */
    synchronized @Nullable Transfer takeRetry() {
        Transfer first = firstRetry;
        if (first != null) {
            firstRetry = first.next();
            first.next(null);
            if (firstRetry == null) {
                lastRetry = null;
            }
            grow(-1);
        }
        return first;
    }

    /** A command to be tried again, but not before the next {@link #readmit}. */
    synchronized void addDelayed(Transfer transfer) {
        transfer.next(delayed);
        delayed = transfer;
        grow(1);
    }

    /** Delayed commands may be tried again. */
    synchronized void readmit() {
        Transfer transfer = delayed;
        delayed = null;
        while (transfer != null) {
            Transfer following = transfer.next();
            transfer.next(null);
            grow(-1);
            addRetry(transfer);
            transfer = following;
        }
    }

    // Only ever under the monitor.
    @SuppressWarnings("NonAtomicVolatileUpdate")
    private void grow(int by) {
        size += by;
    }
}
