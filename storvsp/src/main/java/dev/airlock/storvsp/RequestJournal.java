package dev.airlock.storvsp;

import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.RingWriter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a channel has under way, in memory that outlives this process: a host that comes after one
 * that was killed finds there which requests were read from the ring and never answered, as far as
 * the guest can tell, and answers those so that the guest sends them again.
 *
 * <p>Nothing is locked or flushed: a killed process loses no store it has made, so each step is one
 * store that decides, made after those that it needs. All numbers are 64-bit words:
 *
 * <pre>
 *    0 +------------------------------+ 1 once a host has used it
 *    8 +------------------------------+ state of the negotiation; primary channel
 *   16 +------------------------------+ its version
 *   24 +------------------------------+ subchannels asked for
 *   32 +------------------------------+ bytes ever published to the guest: before the last publish
 *   40 +------------------------------+ ... and after it; the ring's index says whether it came to it
 *   48 +------------------------------+ bytes ever read from the guest, when there were no entries
 *   64 +------------------------------+ identity of the disk at each LUN, 0 for none; primary channel
 *  576 +------------------------------+ entries, 64 bytes each:
 *      |  0 transaction id            |
 *      |  8 bytes ever read, request  |
 *      |    included (decides: taken) |
 *      | 16 bytes ever written, its   |
 *      |    completion included       |
 *      | 24 the word at 8, again      |
 *      |    (decides: written)        |
 *      | 32 operation, WANTED         |
 *      +------------------------------+
 * </pre>
 *
 * <p>Totals stand at a ring's index modulo its size. A request is answered when its completion was
 * written and what is published includes it; its entry is used again only then.
 *
 * <p>The memory is shared with whoever carries the guest over, who may be the guest: what is read
 * from it is checked, and can at worst make this channel refuse to start. Writing trusts nothing in
 * it.
 *
 * <p>{@link #taken} is for the ring thread, for an entry that it holds; what says so is guarded by
 * the monitor of the channel's {@link CompletionRing}. Allocates nothing after construction.
 */
final class RequestJournal {
    /** Of an entry: none. */
    static final int NO_ENTRY = -1;

    private static final int USED_AT = 0;
    private static final int STATE_AT = 8;
    private static final int VERSION_AT = 16;
    private static final int SUBCHANNELS_AT = 24;
    private static final int BEFORE_AT = 32;
    private static final int AFTER_AT = 40;
    private static final int READ_AT = 48;
    private static final int IDENTITIES_AT = 64;
    private static final int ENTRIES_AT = IDENTITIES_AT + StorvspDevice.LUNS_MAX * Long.BYTES;
    private static final int ENTRY_BYTES = 64;

    private static final int ID = 0;
    private static final int TAKEN = 8;
    private static final int WRITTEN = 16;
    private static final int WRITTEN_FOR = 24;
    private static final int OPERATION = 32;

    /** Beside the operation: the guest wants an answer. */
    private static final long WANTED = 1L << 32;

    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private final MemorySegment memory;
    private final boolean resumed;

    /** Entries nobody uses. */
    private final int[] free;

    private int freeCount;

    /** Entries whose completions are written and not yet published. */
    private final int[] answered;

    private int answeredCount;
    private long writtenTotal;
    private long publishedTotal;
    private long readTotal;

    /** Those a dead host left; empty when there was none. */
    private int[] orphans = {};

    /** What is in the journal does not fit the rings. */
    static final class UnfitException extends Exception {
        private static final long serialVersionUID = 1;

        UnfitException(String message) {
            super(message);
        }
    }

    /**
     * Takes a journal up where it stands.
     *
     * @param memory of the channel; null for none
     * @param contexts most requests the channel has at once
     * @return null if there is no memory
     * @throws UnfitException if it contradicts the rings or itself
     */
    static @Nullable RequestJournal open(
            @Nullable MemorySegment memory, RingReader in, RingWriter out, int contexts)
            throws UnfitException {
        return memory == null ? null : new RequestJournal(memory, in, out, contexts);
    }

    private RequestJournal(MemorySegment memory, RingReader in, RingWriter out, int contexts)
            throws UnfitException {
        this.memory = memory;
        int capacity = (int) ((memory.byteSize() - ENTRIES_AT) / ENTRY_BYTES);
        free = new int[capacity];
        answered = new int[capacity];
        resumed = word(USED_AT) != 0;
        if (resumed) {
            resume(capacity, in, out, contexts);
            return;
        }
        readTotal = in.readIndex();
        writtenTotal = out.writeIndex();
        publishedTotal = writtenTotal;
        word(READ_AT, readTotal);
        word(BEFORE_AT, publishedTotal);
        word(AFTER_AT, publishedTotal);
        for (int entry = 0; entry < capacity; entry++) {
            free[freeCount++] = entry;
        }
        WORD.setRelease(memory, (long) USED_AT, 1L);
    }

    private void resume(int capacity, RingReader in, RingWriter out, int contexts)
            throws UnfitException {
        long after = word(AFTER_AT);
        long before = word(BEFORE_AT);
        if (isAt(after, out.writeIndex(), out.capacityBytes())) {
            publishedTotal = after;
        } else if (isAt(before, out.writeIndex(), out.capacityBytes())) {
            publishedTotal = before;
        } else {
            throw new UnfitException("published bytes are not at the ring's write index");
        }
        writtenTotal = publishedTotal;
        readTotal = Math.max(0, word(READ_AT));
        int[] found = new int[capacity];
        int count = 0;
        for (int entry = 0; entry < capacity; entry++) {
            long at = at(entry);
            long taken = word(at + TAKEN);
            readTotal = Math.max(readTotal, taken);
            boolean done =
                    taken == 0
                            || (word(at + OPERATION) & WANTED) == 0
                            || (word(at + WRITTEN_FOR) == taken
                                    && word(at + WRITTEN) <= publishedTotal);
            if (done) {
                free[freeCount++] = entry;
            } else {
                found[count++] = entry;
            }
        }
        if (count > contexts) {
            throw new UnfitException(
                    "more requests under way than there can be: %d of %d"
                            .formatted(count, contexts));
        }
        orphans = Arrays.copyOf(found, count);
        skipTaken(in);
    }

    /** Reads past what the dead host took from the ring and had no time to say so. */
    private void skipTaken(RingReader in) throws UnfitException {
        int bytes = in.capacityBytes();
        int until = (int) (readTotal % bytes);
        int left = (until - in.readIndex() + bytes) % bytes;
        MemorySegment scratch = MemorySegment.ofArray(new long[bytes / Long.BYTES]);
        while (left > 0) {
            int packet = in.read(scratch, 0, bytes);
            if (packet <= 0) {
                throw new UnfitException("bytes read are beyond what the ring holds");
            }
            left -= packet + RingLayout.TRAILER_BYTES;
        }
        if (left != 0) {
            throw new UnfitException("bytes read end within a packet");
        }
        in.consumed();
    }

    private static boolean isAt(long total, int index, int ringBytes) {
        return total >= 0 && total % ringBytes == index;
    }

    /** Whether another host used it before. */
    boolean isResumed() {
        return resumed;
    }

    /** Bytes ever read from the ring when this object was made. */
    long readTotal() {
        return readTotal;
    }

    /** Entries of requests that a dead host left unanswered, in no order. */
    int[] orphans() {
        return orphans;
    }

    /** Transaction id of an orphan. */
    long transactionId(int orphan) {
        return word(at(orphan) + ID);
    }

    /** The vstor operation of an orphan. */
    int operation(int orphan) {
        return (int) word(at(orphan) + OPERATION);
    }

    /** How far the negotiation is. */
    void negotiated(int state, int version) {
        word(VERSION_AT, version);
        WORD.setRelease(memory, (long) STATE_AT, (long) state);
    }

    int negotiationState() {
        return (int) word(STATE_AT);
    }

    int version() {
        return (int) word(VERSION_AT);
    }

    /** How many subchannels the guest asked for. */
    void subchannels(int count) {
        word(SUBCHANNELS_AT, count);
    }

    int subchannels() {
        return (int) word(SUBCHANNELS_AT);
    }

    /** Says which disk the guest has at a LUN; 0 for none. */
    void identity(int lun, long identity) {
        word(IDENTITIES_AT + (long) lun * Long.BYTES, identity);
    }

    long identity(int lun) {
        return word(IDENTITIES_AT + (long) lun * Long.BYTES);
    }

    /** An entry for a context; there are more of them than contexts and packets of a batch. */
    int allocate() {
        return free[--freeCount];
    }

    /** Gives an entry back that has no answer to come. */
    void discard(int entry) {
        if (entry != NO_ENTRY) {
            word(at(entry) + OPERATION, 0);
            free[freeCount++] = entry;
        }
    }

    /**
     * The request is the host's from now on.
     *
     * @param readBytes ever read from the ring, it included
     */
    void taken(int entry, long transactionId, int operation, boolean wanted, long readBytes) {
        long at = at(entry);
        word(at + ID, transactionId);
        word(at + OPERATION, Integer.toUnsignedLong(operation) | (wanted ? WANTED : 0));
        WORD.setRelease(memory, at + TAKEN, readBytes);
    }

    /** A packet was written to the guest's ring, unpublished. */
    void wrote(int packetBytes) {
        writtenTotal += packetBytes + RingLayout.TRAILER_BYTES;
    }

    /** The packet written last was the completion of the entry's request. */
    void answered(int entry) {
        if (entry == NO_ENTRY) {
            return;
        }
        long at = at(entry);
        word(at + WRITTEN, writtenTotal);
        WORD.setRelease(memory, at + WRITTEN_FOR, word(at + TAKEN));
        answered[answeredCount++] = entry;
    }

    /** Everything written is about to be published. */
    void publishing() {
        if (writtenTotal != publishedTotal) {
            word(BEFORE_AT, publishedTotal);
            WORD.setRelease(memory, (long) AFTER_AT, writtenTotal);
        }
    }

    /** Everything written is published. */
    void published() {
        publishedTotal = writtenTotal;
        while (answeredCount > 0) {
            free[freeCount++] = answered[--answeredCount];
        }
    }

    private static long at(int entry) {
        return ENTRIES_AT + (long) entry * ENTRY_BYTES;
    }

    private long word(long at) {
        return (long) WORD.getAcquire(memory, at);
    }

    private void word(long at, long value) {
        WORD.setOpaque(memory, at, value);
    }
}
