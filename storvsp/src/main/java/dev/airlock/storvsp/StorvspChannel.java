package dev.airlock.storvsp;

import dev.airlock.linux.LinuxException;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.RingLayout;
import dev.airlock.vmbus.RingReader;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.host.HostTap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One open channel: its ring thread, which reads requests and runs those that need no waiting, and
 * the contexts of all its requests.
 *
 * <p>The thread works through the ring in batches: one publish and at most one signal for each.
 * With nothing to do it looks on for a moment ({@link AdaptiveSpin}), then sleeps until the guest
 * rings or somebody here wakes it. While completions are held, or every context is in use, it reads
 * nothing: what the guest sent waits in its ring.
 *
 * <p>{@link #close} returns when no thread touches the channel's memory, or the guest's on its
 * behalf, any more.
 */
final class StorvspChannel {
    /** A batch ends after so many packets or bytes, so that early completions do not wait long. */
    private static final int BATCH_PACKETS = 32;

    private static final long BATCH_DATA_BYTES = 256 << 10;

    /**
     * Within a batch, after so many packets, a guest that has nothing to do gets its completions:
     * with requests of a microsecond each (a system call on a cached file) it would else fall
     * asleep, and waking it takes longer than the batch. A power of two; smaller costs more cache
     * misses on the ring's indices when requests are cheap.
     */
    private static final int FEED_PACKETS = 4;

    /**
     * Resets of a channel that may wait at once; Linux sends one. They have contexts of their own,
     * so that channels whose resets wait for each other's rings go on reading those.
     */
    private static final int RESETS_MAX = 16;

    private final StorvspDevice device;
    private final HostChannel channel;
    private final RingReader in;
    private final @Nullable HostTap tap;
    private final @Nullable RequestJournal journal;
    private final CompletionRing completions;
    private final RequestHandler handler;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment scratch;
    private final int scratchBytes;
    private final AdaptiveSpin spin;
    private final Thread thread;

    /** The context for the next packet; of the ring thread. */
    private @Nullable SrbRequest current;

    /** Bytes read from the ring ever, by whatever host; of the ring thread. */
    private long consumedBytes;

    /** Whether the ring thread may be using a logical unit that it looked up. */
    private volatile boolean busy;

    private volatile boolean stopping;

    /**
     * Something for the thread to look at beside the ring: {@link #stopping} or incoming fences.
     */
    private volatile boolean attention;

    /** Fences the ring thread has not seen yet; guarded by itself. */
    private final List<Fence> incoming = new ArrayList<>();

    /** Fences it has yet to pass; of the ring thread. */
    private final List<Fence> noted = new ArrayList<>();

    private boolean faultReported;

    /**
     * Allocates everything the channel will need. What a dead host left is answered by {@link
     * #start}.
     *
     * @throws RequestJournal.UnfitException if the channel's journal and its rings do not fit
     */
    StorvspChannel(StorvspDevice device, HostChannel channel, StorvspOptions options)
            throws RequestJournal.UnfitException {
        this.device = device;
        this.channel = channel;
        in = channel.in();
        tap = channel.tap();
        spin = new AdaptiveSpin(options.spinNs());
        scratchBytes = Math.min(PacketDescriptor.MAX_PACKET_BYTES, in.capacityBytes());
        scratch = arena.allocate(scratchBytes, Long.BYTES);
        try {
            journal =
                    RequestJournal.open(
                            channel.journal(),
                            in,
                            channel.out(),
                            options.queueDepth() + RESETS_MAX);
        } catch (RequestJournal.UnfitException e) {
            arena.close();
            throw e;
        }
        consumedBytes = journal == null ? 0 : journal.readTotal();
        completions = new CompletionRing(channel, journal, arena);
        // A transfer that begins within a page touches one page more.
        int ranges = options.maxTransferBytes() / HvPage.SIZE + 1;
        for (int i = 0; i < options.queueDepth(); i++) {
            completions.stock(SrbRequest.forAny(this, arena, ranges));
        }
        for (int i = 0; i < RESETS_MAX; i++) {
            completions.stock(SrbRequest.forReset(this, arena));
        }
        handler = new RequestHandler(device, this, options.maxTransferBytes());
        thread =
                Thread.ofPlatform()
                        .name(device.name() + "-ring" + channel.subchannelIndex())
                        .daemon()
                        .unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** What outlives this process of the channel; null where nothing does. */
    @Nullable RequestJournal journal() {
        return journal;
    }

    /** The request was read from the ring, and is about to be handled. By the ring thread. */
    void took(SrbRequest request) {
        RequestJournal known = journal;
        if (known != null) {
            known.taken(
                    request.journalEntry,
                    request.transactionId(),
                    request.operation(),
                    request.isCompletionWanted(),
                    consumedBytes);
        }
    }

    boolean isPrimary() {
        return channel.subchannelIndex() == 0;
    }

    HostChannel hostChannel() {
        return channel;
    }

    HostMemory memory() {
        return channel.memory();
    }

    CompletionRing completions() {
        return completions;
    }

    /** Sends an unsolicited message, by the ring thread. */
    void post(int operation) {
        completions.post(operation);
        channel.wake();
    }

    /** Writes and publishes a completion, from any thread; says whether to signal the guest. */
    boolean complete(SrbRequest request) {
        return completions.complete(request);
    }

    /** Signals the guest if {@code signal}. Only for threads of this guest: it can block. */
    void signalIf(boolean signal) {
        if (signal) {
            channel.signalGuest();
        }
    }

    /** Last thing a worker does for a request that the ring thread gave it. */
    void workerDone(boolean signal) {
        signalIf(signal);
        completions.workerDone();
    }

    /** A request was taken out of a queue unanswered, since the channel is closing. */
    void discarded(SrbRequest request) {
        completions.workerDone();
    }

    LunCounters absentCounters() {
        return device.absentCounters();
    }

    void reportBug(Throwable bug) {
        device.reportBug(bug);
    }

    /** Tells {@code reset} when everything that is in the ring now has been read. */
    void fence(Reset reset) {
        synchronized (incoming) {
            if (!stopping) {
                incoming.add(new Fence(reset));
                attention = true;
                wakeUp();
                return;
            }
        }
        reset.channelPassed();
    }

    /**
     * Waits until the ring thread no longer uses anything it looked up before the call. Does not
     * wait for the guest: a thread that signals it, or sleeps, uses nothing.
     */
    void quiesce() throws InterruptedException {
        Fence fence = new Fence(null);
        synchronized (incoming) {
            if (stopping) {
                return;
            }
            incoming.add(fence);
            attention = true;
            while (busy && incoming.contains(fence)) {
                incoming.wait();
            }
            incoming.remove(fence);
        }
    }

    /**
     * Stops the thread, gives up what is queued, and waits for what workers are running. When
     * interrupted, to be called again.
     */
    void close() throws InterruptedException {
        synchronized (incoming) {
            stopping = true;
            attention = true;
        }
        completions.close();
        wakeUp();
        thread.join();
        synchronized (incoming) {
            noted.addAll(incoming);
            incoming.clear();
            incoming.notifyAll();
        }
        while (!noted.isEmpty()) {
            noted.removeLast().pass();
        }
        device.discardQueued(this);
        completions.awaitWorkers();
        arena.close();
    }

    private void wakeUp() {
        completions.interrupt();
        channel.wake();
    }

    /** Serves the ring once, instead of the thread; returns how many requests it read. */
    int poll() {
        in.maskInterrupts();
        return stopping || !channel.isOpen() ? 0 : batch();
    }

    private void run() {
        try {
            in.maskInterrupts();
            signalIf(completions.answerOrphans());
            while (!stopping && channel.isOpen()) {
                if (batch() == 0) {
                    waitForWork();
                }
            }
        } catch (LinuxException e) {
            device.reportFailure("channel=" + channel.subchannelIndex() + " " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error bug) {
            device.reportBug(bug);
        } finally {
            busy = false;
        }
    }

    /** Reads and handles what there is, within limits. Returns how many packets it read. */
    private int batch() {
        busy = true;
        if (attention) {
            noteFences();
        }
        boolean signal = completions.isHolding() && completions.flush();
        int packets = 0;
        long dataBytes = 0;
        boolean empty = false;
        while (packets < BATCH_PACKETS && dataBytes < BATCH_DATA_BYTES && haveContext()) {
            int bytes = in.read(scratch, 0, scratchBytes);
            if (bytes <= 0) {
                empty = true;
                break;
            }
            packets++;
            consumedBytes += bytes + RingLayout.TRAILER_BYTES;
            dataBytes += handle(bytes);
            if ((packets & FEED_PACKETS - 1) == 0 && completions.feed()) {
                // Signalling may block, so that the batch has to end before.
                signal = true;
                break;
            }
        }
        if (packets > 0) {
            signal |= in.consumed();
        }
        signal |= completions.endBatch();
        if (!noted.isEmpty()) {
            passFences(empty);
        }
        busy = false;
        if (attention) {
            // Somebody may wait for busy to end: quiesce.
            synchronized (incoming) {
                incoming.notifyAll();
            }
        }
        signalIf(signal);
        return packets;
    }

    private boolean haveContext() {
        if (completions.isHolding()) {
            return false;
        }
        if (current == null) {
            current = completions.takeFree();
        }
        return current != null;
    }

    /** Handles the packet in {@link #scratch} with the current context; returns its data bytes. */
    private long handle(int bytes) {
        SrbRequest request = current;
        if (request == null) {
            throw new IllegalStateException("no context");
        }
        HostTap shown = tap;
        if (shown != null) {
            shown.packet(true, scratch, 0, bytes, memory());
        }
        RequestHandler.Outcome outcome = handler.handle(scratch, bytes, request);
        long dataBytes = 0;
        if (outcome == RequestHandler.Outcome.ANSWERED) {
            dataBytes = request.data().totalBytes();
            if (!completions.write(request)) {
                current = null;
            }
        } else if (outcome == RequestHandler.Outcome.TAKEN) {
            current = null;
        }
        return dataBytes;
    }

    /** Before the batch looks anything up or finds the ring empty, so that both come after. */
    private void noteFences() {
        synchronized (incoming) {
            for (Fence fence : incoming) {
                if (fence.isForReset()) {
                    // What is in the ring now is at most a whole ring.
                    fence.untilBytes(consumedBytes + in.capacityBytes());
                    noted.add(fence);
                }
            }
            incoming.clear();
            attention = stopping;
            incoming.notifyAll();
        }
    }

    private void passFences(boolean ringIsEmpty) {
        for (int i = noted.size() - 1; i >= 0; i--) {
            Fence fence = noted.get(i);
            if (ringIsEmpty || consumedBytes >= fence.untilBytes()) {
                noted.remove(i);
                fence.pass();
            }
        }
    }

    private void waitForWork() throws LinuxException, InterruptedException {
        if (completions.isHolding() || in.isFailed()) {
            reportFaults();
            sleep();
            return;
        }
        if (current == null) {
            device.noteQueueFull(this);
            completions.awaitFree();
            return;
        }
        long start = System.nanoTime();
        // A guest that waits for a disk sends nothing meanwhile, and the worker needs the core.
        long allowed = completions.isWaitingForWorkers() ? 0 : spin.allowedNs();
        while (System.nanoTime() - start < allowed) {
            if (in.hasData() || attention) {
                spin.found();
                return;
            }
            Thread.onSpinWait();
        }
        if (!in.unmaskInterrupts()) {
            sleep();
            if (!completions.isWaitingForWorkers()) {
                spin.slept(System.nanoTime() - start);
            }
        }
        in.maskInterrupts();
    }

    private void sleep() throws LinuxException {
        channel.awaitGuest(-1);
    }

    private void reportFaults() {
        if (!faultReported && (in.isFailed() || completions.isFailed())) {
            faultReported = true;
            device.reportBrokenRing(
                    this, in.isFailed() ? in.describeFault() : completions.describeFault());
        }
    }
}
