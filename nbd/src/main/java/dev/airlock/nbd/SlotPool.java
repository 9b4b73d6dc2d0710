package dev.airlock.nbd;

import org.jspecify.annotations.Nullable;

/**
 * A connection's slots: as many as it may have requests under way, made when first needed and kept.
 * For one thread.
 */
final class SlotPool {
    private final Mailbox mailbox;
    private final @Nullable Slot[] free;
    private int freeCount;
    private int made;

    SlotPool(Mailbox mailbox, int size) {
        this.mailbox = mailbox;
        this.free = new @Nullable Slot[size];
    }

    /** A slot without an error, a buffer or a payload; null when all are in use. */
    @Nullable Slot take() {
        if (freeCount == 0) {
            if (made == free.length) {
                return null;
            }
            made++;
            return new Slot(mailbox);
        }
        freeCount--;
        Slot slot = free[freeCount];
        free[freeCount] = null;
        return slot;
    }

    void giveBack(Slot slot) {
        slot.error = 0;
        slot.bufferBytes = 0;
        slot.payload = null;
        slot.payloadBytes = 0;
        slot.next = null;
        free[freeCount++] = slot;
    }

    int inUse() {
        return made - freeCount;
    }
}
