package dev.airlock.storvsp;

import dev.airlock.scsi.VstorPacket;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingWriter;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostTap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The sending half of a channel, shared by its ring thread and by the workers that finish its
 * requests, and the stock of request contexts behind it.
 *
 * <p>A completion is written at once, or held in order when the ring is full and written as the
 * guest makes room; it keeps its context meanwhile, so there are never more than there are
 * contexts, and none is lost. Unsolicited messages wait behind held completions, each kind at most
 * once.
 *
 * <p>Every method takes the monitor for a few memory operations only, and none signals the guest:
 * that can block, so the caller does it afterwards, as the return values say.
 */
final class CompletionRing {
    private final RingWriter out;
    private final HostChannel channel;
    private final @Nullable HostTap tap;
    private final @Nullable RequestJournal journal;
    private final MemorySegment notice;
    private @Nullable SrbRequest free;
    private @Nullable SrbRequest freeForResets;
    private @Nullable SrbRequest heldHead;
    private @Nullable SrbRequest heldTail;

    /** Requests that workers have; changed with the monitor. */
    private volatile int withWorkers;

    private int pendingNotices;
    private boolean closed;
    private boolean interrupted;

    /**
     * Whether there are held completions or pending messages; the ring thread also looks at it
     * without the monitor.
     */
    private volatile boolean holding;

    private boolean starving;

    /**
     * @param journal is told of every step; null where there is none
     * @param arena owns what is allocated here
     */
    CompletionRing(HostChannel channel, @Nullable RequestJournal journal, Arena arena) {
        this.channel = channel;
        this.journal = journal;
        out = channel.out();
        tap = channel.tap();
        notice = arena.allocate(SrbRequest.COMPLETION_BYTES, Long.BYTES);
    }

    /** Adds a context to the stock. */
    synchronized void stock(SrbRequest request) {
        release(request);
    }

    /** A context that nobody uses, or null: none is free, or completions are held. */
    synchronized @Nullable SrbRequest takeFree() {
        SrbRequest request = free;
        if (request == null || holding) {
            return null;
        }
        free = request.next;
        request.next = null;
        enter(request);
        return request;
    }

    /**
     * A context for a reset to wait in, or null if as many resets as there are contexts wait.
     *
     * @param from the context in which it came, free for the next request
     */
    synchronized @Nullable SrbRequest takeFreeForReset(SrbRequest from) {
        SrbRequest request = freeForResets;
        if (request != null) {
            freeForResets = request.next;
            request.next = null;
            request.journalEntry = from.journalEntry;
            enter(from);
        }
        return request;
    }

    /**
     * Answers what a dead host left, before anything else happens on the channel.
     *
     * @return whether the guest must be signalled
     */
    synchronized boolean answerOrphans() {
        RequestJournal known = journal;
        if (known == null) {
            return false;
        }
        for (int orphan : known.orphans()) {
            SrbRequest request = takeAny();
            request.adopt(orphan, known.transactionId(orphan), known.operation(orphan));
            if (put(request)) {
                release(request);
            } else {
                hold(request);
            }
        }
        return endBatch();
    }

    /** Whether completions or messages wait for room in the ring. */
    boolean isHolding() {
        return holding;
    }

    /** Waits until a context is free, or something is held, or {@link #interrupt} was called. */
    synchronized void awaitFree() throws InterruptedException {
        starving = true;
        while (free == null && !holding && !interrupted && !closed) {
            wait();
        }
        starving = false;
        interrupted = false;
    }

    /** Ends {@link #awaitFree}, the current one or the next. */
    synchronized void interrupt() {
        interrupted = true;
        notifyAll();
    }

    /**
     * Writes the completion of a request of the ring thread's own; not yet visible to the guest.
     *
     * @return true if the context can be used for the next request; false if it is held
     */
    synchronized boolean write(SrbRequest request) {
        if (!request.isCompletionWanted() || closed) {
            return true;
        }
        if (heldHead == null && put(request)) {
            enter(request);
            return true;
        }
        hold(request);
        return false;
    }

    /** Publishes what the ring thread wrote; says whether the guest must be signalled. */
    synchronized boolean endBatch() {
        return holding ? flush() : publish();
    }

    /**
     * In the midst of a batch: publishes what the ring thread wrote if the guest has nothing else
     * to do. Says whether the guest must be signalled.
     */
    synchronized boolean feed() {
        return !holding && out.isPeerStarving() && publish();
    }

    /** Counts a request that goes to a worker. */
    synchronized void givenToWorker() {
        withWorkers = withWorkers + 1;
    }

    /** Takes back a request that no worker took. */
    synchronized void takenBack() {
        withWorkers = withWorkers - 1;
    }

    /**
     * Writes and publishes the completion of a request, from any thread, and frees its context.
     *
     * @return whether the guest must be signalled
     */
    synchronized boolean complete(SrbRequest request) {
        if (closed) {
            return false;
        }
        if (!request.isCompletionWanted()) {
            release(request);
            return false;
        }
        if (heldHead == null && put(request)) {
            release(request);
            return publish();
        }
        hold(request);
        boolean signal = flush();
        if (!holding) {
            // The ring thread may sleep until the guest makes room, which has just been used.
            channel.wake();
        }
        return signal;
    }

    /** Answers an operation that was done, unless the channel has been closed meanwhile. */
    synchronized boolean completeOperation(SrbRequest request) {
        if (closed) {
            return false;
        }
        request.succeed();
        return complete(request);
    }

    /** Whether workers have requests of this channel now. */
    boolean isWaitingForWorkers() {
        return withWorkers > 0;
    }

    /** A worker no longer touches the channel on behalf of a request. */
    synchronized void workerDone() {
        withWorkers = withWorkers - 1;
        if (closed && withWorkers == 0) {
            notifyAll();
        }
    }

    /**
     * Writes what is held as far as there is room, then waiting notices, and publishes. If there is
     * not enough room the guest is asked to signal when it has made some.
     *
     * @return whether the guest must be signalled
     */
    synchronized boolean flush() {
        if (closed) {
            return false;
        }
        boolean signal = false;
        while (heldHead != null || pendingNotices != 0) {
            if (!writeOneHeld()) {
                int flags = awaitRoom();
                signal |= (flags & RingWriter.SIGNAL) != 0;
                if ((flags & RingWriter.ROOM) == 0) {
                    break;
                }
            }
        }
        return signal | publish();
    }

    /** Leaves an unsolicited message, an operation below 32, for the ring thread to send. */
    synchronized void post(int operation) {
        pendingNotices |= 1 << operation;
        holding = true;
        notifyAll();
    }

    /** Whether the guest broke this ring; nothing can be sent any more. */
    synchronized boolean isFailed() {
        return out.isFailed();
    }

    /** One line on what broke the ring. */
    synchronized String describeFault() {
        return out.describeFault();
    }

    /** After this nothing is written; what is completed later is dropped. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }

    /** After {@link #close}: waits until no worker touches memory on behalf of this channel. */
    synchronized void awaitWorkers() throws InterruptedException {
        while (withWorkers > 0) {
            wait();
        }
    }

    /** Says whether the guest must be signalled. */
    private boolean publish() {
        RequestJournal known = journal;
        if (known != null) {
            known.publishing();
        }
        boolean signal = (out.publish() & RingWriter.SIGNAL) != 0;
        if (known != null) {
            known.published();
        }
        return signal;
    }

    /** Publishes, too: see {@link RingWriter#awaitRoom}. */
    private int awaitRoom() {
        RequestJournal known = journal;
        if (known != null) {
            known.publishing();
        }
        int flags = out.awaitRoom(SrbRequest.COMPLETION_BYTES);
        if (known != null) {
            known.published();
        }
        return flags;
    }

    private SrbRequest takeAny() {
        SrbRequest request = free != null ? free : freeForResets;
        if (request == null) {
            throw new IllegalStateException("fewer contexts than orphans");
        }
        if (request.isForReset()) {
            freeForResets = request.next;
        } else {
            free = request.next;
        }
        request.next = null;
        return request;
    }

    /** Gives a context that is about to be used a place in the journal. */
    private void enter(SrbRequest request) {
        RequestJournal known = journal;
        if (known != null) {
            request.journalEntry = known.allocate();
        }
    }

    /** Writes a completion, not yet visible to the guest; false when there is no room. */
    private boolean put(SrbRequest request) {
        if (!put(request.packet())) {
            return false;
        }
        RequestJournal known = journal;
        if (known != null) {
            known.answered(request.journalEntry);
            request.journalEntry = RequestJournal.NO_ENTRY;
        }
        return true;
    }

    /** Writes one packet, not yet visible to the guest; false when there is no room. */
    private boolean put(MemorySegment packet) {
        boolean written = out.write(packet, 0, SrbRequest.COMPLETION_BYTES);
        RequestJournal known = journal;
        if (written && known != null) {
            known.wrote(SrbRequest.COMPLETION_BYTES);
        }
        HostTap shown = tap;
        if (written && shown != null) {
            shown.packet(false, packet, 0, SrbRequest.COMPLETION_BYTES, channel.memory());
        }
        return written;
    }

    private boolean writeOneHeld() {
        SrbRequest request = heldHead;
        if (request != null) {
            if (!put(request)) {
                return false;
            }
            heldHead = request.next;
            if (heldHead == null) {
                heldTail = null;
                holding = pendingNotices != 0;
            }
            release(request);
            return true;
        }
        int operation = Integer.numberOfTrailingZeros(pendingNotices);
        // Unsolicited messages carry transaction id 0 and want no answer.
        PacketDescriptor.encode(
                notice,
                0,
                PacketDescriptor.TYPE_DATA_INBAND,
                PacketDescriptor.BYTES,
                SrbRequest.COMPLETION_BYTES,
                0,
                0);
        VstorPacket.clear(notice, PacketDescriptor.BYTES, operation, 0);
        if (!put(notice)) {
            return false;
        }
        pendingNotices &= pendingNotices - 1;
        holding = pendingNotices != 0;
        return true;
    }

    private void hold(SrbRequest request) {
        request.next = null;
        if (heldTail == null) {
            heldHead = request;
            holding = true;
        } else {
            heldTail.next = request;
        }
        heldTail = request;
        if (starving) {
            notifyAll();
        }
    }

    private void release(SrbRequest request) {
        RequestJournal known = journal;
        if (known != null) {
            known.discard(request.journalEntry);
            request.journalEntry = RequestJournal.NO_ENTRY;
        }
        if (request.isForReset()) {
            request.next = freeForResets;
            freeForResets = request;
            return;
        }
        request.next = free;
        free = request;
        if (starving) {
            notifyAll();
        }
    }
}
