package dev.airlock.storvsc;

import dev.airlock.dma.Scatterlist;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * The commands of one channel by tag, and who owns each. A tag's state and generation are one word,
 * changed by compare-and-set only, so that of the poller, the recovery and the channel's end
 * exactly one ends a command, and an answer to an earlier use of the tag ends nothing.
 *
 * <pre>
 *   FREE --claim--> CLAIMED --publish--> IN_FLIGHT --take--> COMPLETING --free--> FREE
 *                      |                     |  expired         ^    ^
 *                      +--free--> FREE       +--> HELD ---------+    |
 *                                            +--> QUARANTINED -------+
 * </pre>
 *
 * HELD: timed out, the caller waits on since the host can reach its memory. QUARANTINED: timed out,
 * the caller has been told, the bounce slots are kept. Lock-free, allocates nothing after
 * construction.
 */
final class CommandTable {
    /** No command; the generation is that of the next use. */
    static final int FREE = 0;

    /** A submitter fills it in; the host does not know it yet. */
    static final int CLAIMED = 1;

    /** With the host. */
    static final int IN_FLIGHT = 2;

    /** Timed out; its caller has not been told, as the host may still write its memory. */
    static final int HELD = 3;

    /** Timed out; its caller has been told, its bounce slots stay mapped. */
    static final int QUARANTINED = 4;

    /** One thread is ending it. */
    static final int COMPLETING = 5;

    private static final int STATE_BITS = 3;
    private static final int STATE_MASK = (1 << STATE_BITS) - 1;

    private final TagSet tags;
    private final boolean callerTags;
    private final AtomicLongArray words;
    private final @Nullable ScsiRequest[] requests;
    private final @Nullable Scatterlist[] quarantinedLists;
    private final long[] deadlinesNanos;
    private final int[] resetEpochs;
    private final int[] addresses;
    private final boolean[] mapped;
    private final DataDirection[] directions;

    /**
     * @param size number of tags
     * @param callerTags whether requests bring their tags; generations then stay 0
     */
    CommandTable(int size, boolean callerTags) {
        this.tags = new TagSet(size);
        this.callerTags = callerTags;
        this.words = new AtomicLongArray(size);
        this.requests = new @Nullable ScsiRequest[size];
        this.quarantinedLists = new @Nullable Scatterlist[size];
        this.deadlinesNanos = new long[size];
        this.resetEpochs = new int[size];
        this.addresses = new int[size];
        this.mapped = new boolean[size];
        this.directions = new DataDirection[size];
        Arrays.fill(directions, DataDirection.NONE);
    }

    /** Claims a tag for a request; -1 when none is free, or the one it brings is not. */
    int claim(ScsiRequest request) {
        int tag = request.tag();
        if (tag == ScsiRequest.ANY_TAG && !callerTags) {
            tag = tags.claim();
            if (tag < 0) {
                return -1;
            }
        } else if (!callerTags) {
            throw new IllegalStateException("adapter chooses tags: tag=" + tag);
        } else if (!tags.claim(tag)) {
            return -1;
        }
        requests[tag] = request;
        words.setRelease(tag, word(generation(tag), CLAIMED));
        return tag;
    }

    /**
     * The command is in the ring: from now on an answer ends it. To be called before the host can
     * see the ring's new index.
     *
     * @param resetEpoch number of resets sent before
     */
    void publish(int tag, ScsiRequest request, long deadlineNanos, int resetEpoch) {
        deadlinesNanos[tag] = deadlineNanos;
        resetEpochs[tag] = resetEpoch;
        directions[tag] = request.direction();
        addresses[tag] = request.path() << 16 | request.target() << 8 | request.lun();
        words.setRelease(tag, word(generation(tag), IN_FLIGHT));
    }

    /**
     * Makes this thread the one that ends the command, if it still is of this generation and in
     * this state.
     */
    boolean take(int tag, int generation, int fromState) {
        return words.compareAndSet(tag, word(generation, fromState), word(generation, COMPLETING));
    }

    /** Moves a command that this thread ends (COMPLETING) to HELD or QUARANTINED. */
    void park(int tag, int state, @Nullable Scatterlist quarantined) {
        quarantinedLists[tag] = quarantined;
        if (state == QUARANTINED) {
            requests[tag] = null;
        }
        words.setRelease(tag, word(generation(tag), state));
    }

    /** Frees a tag that is CLAIMED or COMPLETING, by its owner. */
    void free(int tag) {
        mapped[tag] = false;
        requests[tag] = null;
        quarantinedLists[tag] = null;
        int next = callerTags ? 0 : generation(tag) + 1 & TransactionId.GENERATION_MASK;
        words.setRelease(tag, word(next, FREE));
        tags.release(tag);
    }

    int state(int tag) {
        return (int) words.getAcquire(tag) & STATE_MASK;
    }

    int generation(int tag) {
        return (int) (words.getAcquire(tag) >>> STATE_BITS);
    }

    long deadlineNanos(int tag) {
        return deadlinesNanos[tag];
    }

    /** The data of the tag's command is mapped, until the tag is free. */
    void markMapped(int tag) {
        mapped[tag] = true;
    }

    /** Whether the data of the tag's command is mapped; to be asked by who owns the tag. */
    boolean isMapped(int tag) {
        return mapped[tag];
    }

    /** The value that {@link #publish} was given. */
    int resetEpoch(int tag) {
        return resetEpochs[tag];
    }

    /** Where the command of a tag went: path, target and LUN, a byte each, path highest. */
    int address(int tag) {
        return addresses[tag];
    }

    /** The request of a tag that this thread owns. */
    ScsiRequest request(int tag) {
        ScsiRequest request = requests[tag];
        if (request == null) {
            throw new IllegalStateException("no request: tag=" + tag + " state=" + state(tag));
        }
        return request;
    }

    /** The list of a quarantined command that this thread owns; null when it had no data. */
    @Nullable Scatterlist quarantinedList(int tag) {
        return quarantinedLists[tag];
    }

    /** The direction of the command of a tag, also when its caller has its request back. */
    DataDirection direction(int tag) {
        return directions[tag];
    }

    /** The lowest tag in use that is not below {@code from}, -1 for none. */
    int nextInUse(int from) {
        return tags.nextClaimed(from);
    }

    int inUse() {
        return tags.claimedCount();
    }

    int size() {
        return tags.size();
    }

    private static long word(int generation, int state) {
        return (long) generation << STATE_BITS | state;
    }
}
