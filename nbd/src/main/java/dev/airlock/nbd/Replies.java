package dev.airlock.nbd;

import static dev.airlock.nbd.wire.BigEndian.INT;
import static dev.airlock.nbd.wire.BigEndian.LONG;
import static dev.airlock.nbd.wire.BigEndian.SHORT;

import dev.airlock.nbd.wire.NbdError;
import dev.airlock.nbd.wire.ReplyHeader;
import dev.airlock.nbd.wire.Transmission;
import java.lang.foreign.MemorySegment;

/** Writes the head of each reply in the form that was negotiated. Stateless. */
final class Replies {
    private final boolean structured;
    private final boolean extended;

    Replies(boolean structured, boolean extended) {
        this.structured = structured;
        this.extended = extended;
    }

    /**
     * Makes a slot's reply.
     *
     * @param memory where a read's data lies, at {@code dataAt}
     */
    void write(Slot slot, MemorySegment memory, long dataAt) {
        if (slot.error != NbdError.OK) {
            slot.payload = null;
            slot.payloadBytes = 0;
            error(slot);
        } else if (slot.command == Transmission.CMD_READ && slot.length > 0) {
            slot.payload = memory;
            slot.payloadAt = dataAt;
            slot.payloadBytes = slot.length;
            data(slot);
        } else if (slot.command == Transmission.CMD_BLOCK_STATUS) {
            int type =
                    extended
                            ? Transmission.CHUNK_BLOCK_STATUS_EXT
                            : Transmission.CHUNK_BLOCK_STATUS;
            chunk(slot, type, slot.payloadBytes);
        } else {
            done(slot);
        }
    }

    private void error(Slot slot) {
        if (isSimple(slot)) {
            slot.headBytes = ReplyHeader.writeSimple(slot.head, 0, slot.error, slot.cookie);
            return;
        }
        chunk(slot, Transmission.CHUNK_ERROR, ReplyHeader.ERROR_PAYLOAD_BYTES);
        slot.head.set(INT, slot.headBytes, slot.error);
        slot.head.set(SHORT, slot.headBytes + Integer.BYTES, (short) 0);
        slot.headBytes += ReplyHeader.ERROR_PAYLOAD_BYTES;
    }

    private void data(Slot slot) {
        if (!structured) {
            slot.headBytes = ReplyHeader.writeSimple(slot.head, 0, NbdError.OK, slot.cookie);
            return;
        }
        long length = ReplyHeader.DATA_OFFSET_BYTES + slot.length;
        chunk(slot, Transmission.CHUNK_OFFSET_DATA, length);
        slot.head.set(LONG, slot.headBytes, slot.offset);
        slot.headBytes += ReplyHeader.DATA_OFFSET_BYTES;
    }

    private void done(Slot slot) {
        if (isSimple(slot)) {
            slot.headBytes = ReplyHeader.writeSimple(slot.head, 0, NbdError.OK, slot.cookie);
        } else {
            chunk(slot, Transmission.CHUNK_NONE, 0);
        }
    }

    /**
     * With structured replies only reads and block status must have chunks; the rest is shorter.
     */
    private boolean isSimple(Slot slot) {
        boolean needsChunk =
                slot.command == Transmission.CMD_READ
                        || slot.command == Transmission.CMD_BLOCK_STATUS;
        return !structured || !extended && !needsChunk;
    }

    private void chunk(Slot slot, int type, long length) {
        slot.headBytes =
                ReplyHeader.writeChunk(
                        slot.head, 0, extended, type, slot.cookie, slot.offset, length);
    }
}
