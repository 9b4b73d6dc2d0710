package dev.airlock.nbd;

import dev.airlock.linux.Errno;
import dev.airlock.linux.SocketVector;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Replies on their way to a client, in order, as many as there are with one system call: headers
 * from private memory, data from where the host has put it. For one thread; allocates nothing.
 */
final class Outbox {
    private static final int PIECES = 256;

    private final SocketVector vector = new SocketVector(PIECES);

    /** All slots, those in the vector first. */
    private @Nullable Slot first;

    private @Nullable Slot last;

    /** The first slot that is not in the vector. */
    private @Nullable Slot unlisted;

    private long listedBytes;
    private long sentBytes;
    private boolean blocked;

    /** Told of each reply that is out, or will never be. */
    interface Sent {
        void sent(Slot slot);
    }

    void add(Slot slot) {
        slot.next = null;
        Slot before = last;
        if (before == null) {
            first = slot;
        } else {
            before.next = slot;
        }
        last = slot;
        if (unlisted == null) {
            unlisted = slot;
        }
    }

    boolean isEmpty() {
        return first == null;
    }

    /** Whether the socket must become writable first. */
    boolean isBlocked() {
        return blocked;
    }

    /** The socket has become writable. */
    void unblock() {
        blocked = false;
    }

    /**
     * Sends as much as goes.
     *
     * @return 0, or the negative errno of a connection that has ended
     */
    int send(Transport to, Sent told) {
        while (first != null && !blocked) {
            list();
            long offered = vector.bytes();
            long result = to.send(vector);
            if (result == -Errno.EAGAIN) {
                blocked = true;
                return 0;
            }
            if (result < 0) {
                return (int) result;
            }
            vector.consume(result);
            sentBytes += result;
            release(told);
            // Less than offered means a full socket: the next try would only say so.
            blocked = result < offered;
        }
        return 0;
    }

    /** Forgets everything: nobody will read it. */
    void drop(Sent told) {
        vector.clear();
        sentBytes = Long.MAX_VALUE;
        Slot slot = first;
        first = null;
        last = null;
        unlisted = null;
        while (slot != null) {
            Slot after = slot.next;
            told.sent(slot);
            slot = after;
        }
    }

    private void list() {
        Slot slot = unlisted;
        while (slot != null && vector.room() >= 2) {
            vector.add(slot.head, 0, slot.headBytes);
            listedBytes += slot.headBytes;
            MemorySegment payload = slot.payload;
            if (payload != null) {
                vector.add(payload, slot.payloadAt, slot.payloadBytes);
                listedBytes += slot.payloadBytes;
            }
            slot.sentEnd = listedBytes;
            slot = slot.next;
        }
        unlisted = slot;
    }

    private void release(Sent told) {
        Slot slot = first;
        while (slot != null && slot != unlisted && slot.sentEnd <= sentBytes) {
            Slot after = slot.next;
            first = after;
            if (after == null) {
                last = null;
            }
            told.sent(slot);
            slot = after;
        }
    }
}
