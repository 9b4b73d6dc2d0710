package dev.airlock.nbd;

import static dev.airlock.nbd.wire.BigEndian.INT;
import static dev.airlock.nbd.wire.BigEndian.LONG;

import dev.airlock.nbd.wire.Negotiation;
import dev.airlock.scsi.LbaStatus;
import dev.airlock.storvsc.LunFacts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Turns what a host says of its blocks, GET LBA STATUS, into the extents of a block status reply.
 * The host's data is copied once into private memory and believed as far as it makes sense: a host
 * can only describe its own disk wrongly. For one thread.
 */
final class Extents {
    /** Room for the host's answer. */
    static final int ANSWER_BYTES = 4096;

    /** Largest extent of 32 bits, whole sectors of any size. */
    private static final long COMPACT_LENGTH_MAX = 0xFFFF_0000L;

    /** u32 context before the extents; in extended headers u32 count, too. */
    private static final int COMPACT_HEAD_BYTES = Integer.BYTES;

    private static final int EXTENDED_HEAD_BYTES = 2 * Integer.BYTES;
    private static final int COMPACT_BYTES = 2 * Integer.BYTES;
    private static final int EXTENDED_BYTES = 2 * Long.BYTES;
    private static final int CONTEXT = Handshake.ALLOCATION_CONTEXT;

    private final boolean extended;
    private final MemorySegment answer = Arena.ofAuto().allocate(ANSWER_BYTES, Long.BYTES);
    private long lastFlags;
    private long lastLength;
    private int count;

    Extents(boolean extended) {
        this.extended = extended;
    }

    /** Bytes of the largest reply. */
    private static int replyBytesMax() {
        int descriptors = ANSWER_BYTES / LbaStatus.DESCRIPTOR_BYTES + 1;
        return EXTENDED_HEAD_BYTES + descriptors * EXTENDED_BYTES;
    }

    /**
     * Fills the reply's payload.
     *
     * @param host where the host has put its answer
     * @param valid bytes of that answer, 0 when there is none: then all is data
     */
    void reply(Slot slot, MemorySegment host, long at, int valid, LunFacts facts, boolean onlyOne) {
        int bytes = Math.min(valid, ANSWER_BYTES);
        MemorySegment.copy(host, at, answer, 0, bytes);
        MemorySegment extents = slot.extents;
        if (extents == null) {
            extents = Arena.ofAuto().allocate(replyBytesMax(), Long.BYTES);
            slot.extents = extents;
        }
        count = 0;
        lastLength = 0;
        long cursor = slot.offset;
        // One extent may tell more than was asked, but nothing behind the end of the disk.
        long end = onlyOne ? slot.offset + slot.length : facts.sizeBytes();
        int descriptors = LbaStatus.count(answer, 0, bytes);
        for (int i = 0; i < descriptors && cursor < slot.offset + slot.length; i++) {
            long from = LbaStatus.lba(answer, 0, i) * facts.sectorBytes();
            long to = from + LbaStatus.blocks(answer, 0, i) * facts.sectorBytes();
            if (from < 0 || from > cursor || to <= cursor) {
                break;
            }
            long stop = Math.min(to, end);
            long flags = flags(LbaStatus.status(answer, 0, i), facts);
            if (!add(extents, stop - cursor, flags, onlyOne)) {
                break;
            }
            cursor = stop;
        }
        if (count == 0 && lastLength == 0) {
            add(extents, Math.min(slot.length, end - slot.offset), 0, true);
        }
        close(slot, extents);
    }

    private static long flags(int status, LunFacts facts) {
        long zero = facts.unmappedReadsZero() ? Negotiation.STATE_ZERO : 0;
        return switch (status) {
            case LbaStatus.DEALLOCATED -> Negotiation.STATE_HOLE | zero;
            case LbaStatus.ANCHORED -> zero;
            default -> 0;
        };
    }

    /** Adds to the last extent or begins another; false when no more may follow. */
    private boolean add(MemorySegment extents, long length, long flags, boolean onlyOne) {
        long most = extended ? Long.MAX_VALUE : COMPACT_LENGTH_MAX;
        if (lastLength > 0 && flags == lastFlags) {
            long joined = Math.min(lastLength + length, most);
            boolean whole = joined == lastLength + length;
            lastLength = joined;
            return whole;
        }
        if (lastLength > 0) {
            if (onlyOne) {
                return false;
            }
            write(extents);
        }
        lastFlags = flags;
        lastLength = Math.min(length, most);
        return lastLength == length;
    }

    private void write(MemorySegment extents) {
        if (extended) {
            long at = EXTENDED_HEAD_BYTES + (long) count * EXTENDED_BYTES;
            extents.set(LONG, at, lastLength);
            extents.set(LONG, at + Long.BYTES, lastFlags);
        } else {
            long at = COMPACT_HEAD_BYTES + (long) count * COMPACT_BYTES;
            extents.set(INT, at, (int) lastLength);
            extents.set(INT, at + Integer.BYTES, (int) lastFlags);
        }
        count++;
    }

    private void close(Slot slot, MemorySegment extents) {
        write(extents);
        extents.set(INT, 0, CONTEXT);
        if (extended) {
            extents.set(INT, Integer.BYTES, count);
        }
        slot.payload = extents;
        slot.payloadAt = 0;
        slot.payloadBytes =
                extended
                        ? EXTENDED_HEAD_BYTES + (long) count * EXTENDED_BYTES
                        : COMPACT_HEAD_BYTES + (long) count * COMPACT_BYTES;
    }
}
