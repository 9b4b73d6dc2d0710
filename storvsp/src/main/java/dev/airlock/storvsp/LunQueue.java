package dev.airlock.storvsp;

import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsitarget.ItlNexus;
import dev.airlock.scsitarget.ScsiTask;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One logical unit as one guest has it: the unit, its counters, and the queue and threads for those
 * of its commands that may have to wait for a disk.
 *
 * <p>Commands are started in the order they came, several at a time, each on a thread of this
 * queue; so a slow disk delays nothing but itself. Threads are started when needed, up to a limit,
 * and end after some idle time. Nothing is allocated for a command.
 *
 * <p>Life of a request here: {@link #submit}, {@link #take} by a worker, {@link #finished}; or it
 * ends early by {@link #reset}, {@link #detach} or {@link #discard}. What {@link #take} has handed
 * out counts as running; resets and detaching wait for it. The queue's monitor is held only for
 * list operations, never while a command runs or a completion is written.
 *
 * <p>Thread-safe.
 */
final class LunQueue {
    /** A worker with nothing to do ends after this long. */
    private static final long WORKER_IDLE_MS = 20_000;

    private final int lun;
    private final ItlNexus unit;
    private final LunCounters counters = new LunCounters();
    private final int workersMax;
    private final String name;

    private @Nullable SrbRequest head;
    private @Nullable SrbRequest tail;
    private int queued;
    private int running;
    private int idle;
    private boolean settling;
    private boolean detached;
    private final List<Thread> workers = new ArrayList<>();
    private final ArrayDeque<Reset> resets = new ArrayDeque<>();

    /**
     * @param workersMax most commands that run at once
     * @param guest name of the guest, for thread names
     */
    LunQueue(int lun, ItlNexus unit, int workersMax, String guest) {
        this.lun = lun;
        this.unit = unit;
        this.workersMax = workersMax;
        this.name = guest + "-lun" + lun;
    }

    int lun() {
        return lun;
    }

    ItlNexus unit() {
        return unit;
    }

    LunCounters counters() {
        return counters;
    }

    /**
     * Hands a command to the workers.
     *
     * @return {@link SrbStatus#PENDING}, or the status to fail it with: the unit has been detached,
     *     or no worker could be started. The request is the caller's then
     */
    synchronized int submit(SrbRequest request) {
        if (detached) {
            return SrbStatus.INVALID_LUN;
        }
        if (queued + 1 > idle && workers.size() < workersMax) {
            if (!startWorker() && workers.isEmpty()) {
                return SrbStatus.BUSY;
            }
        } else if (idle > 0) {
            // Each submit wakes another one: a thread once notified is no longer in the wait set.
            notify();
        }
        append(request);
        return SrbStatus.PENDING;
    }

    /**
     * The next command, waiting for one; null when the calling worker should end. It counts as
     * running until {@link #finished}.
     */
    private synchronized @Nullable SrbRequest take() throws InterruptedException {
        while (!detached || head != null) {
            SrbRequest request = head;
            if (request != null && resets.isEmpty()) {
                removeHead(request);
                running++;
                if (detached) {
                    request.refuse(SrbStatus.INVALID_LUN);
                }
                return request;
            }
            long start = System.nanoTime();
            idle++;
            try {
                wait(WORKER_IDLE_MS);
            } finally {
                idle--;
            }
            if (head == null && System.nanoTime() - start >= WORKER_IDLE_MS * 1_000_000) {
                break;
            }
        }
        workers.remove(Thread.currentThread());
        return null;
    }

    /** Ends the run of a command that {@link #take} gave, after its completion was written. */
    private void finished() {
        synchronized (this) {
            running--;
            if (running == 0) {
                notifyAll();
            }
        }
        settleResets();
    }

    /**
     * Ends what waits in the queue with {@code srbStatus} and tells {@code reset} once nothing that
     * was submitted before is running any more. Commands submitted meanwhile wait for that.
     */
    void reset(Reset reset, int srbStatus) {
        SrbRequest aborted;
        synchronized (this) {
            aborted = takeAll();
            // Aborting counts as running, so that the reset is answered after what it aborts.
            running++;
            resets.add(reset);
        }
        while (aborted != null) {
            SrbRequest next = aborted.next;
            aborted.next = null;
            StorvspChannel channel = aborted.channel();
            aborted.fail(srbStatus);
            channel.workerDone(channel.complete(aborted));
            aborted = next;
        }
        finished();
    }

    /**
     * Makes every later {@link #submit} fail and waits until no command uses the disk any more.
     * What waits in the queue is answered by the workers as for a unit that does not exist. Does
     * not wait for the guest.
     */
    synchronized void detach() throws InterruptedException {
        detached = true;
        notifyAll();
        while (running > 0) {
            wait();
        }
    }

    /** After {@link #detach}: whether every worker has ended. */
    synchronized boolean hasEnded() {
        return detached && workers.isEmpty();
    }

    /** After {@link #detach}: waits until every worker has ended. They may wait for the guest. */
    void awaitWorkers() throws InterruptedException {
        List<Thread> ending;
        synchronized (this) {
            ending = List.copyOf(workers);
        }
        for (Thread worker : ending) {
            worker.join();
        }
    }

    /** Takes what waits in the queue for a channel that is closing, unanswered. */
    synchronized void discard(StorvspChannel channel) {
        SrbRequest request = takeAll();
        while (request != null) {
            SrbRequest next = request.next;
            request.next = null;
            if (request.channel() == channel) {
                channel.discarded(request);
            } else {
                append(request);
            }
            request = next;
        }
    }

    /** Tells the resets for which nothing runs any more, then lets waiting commands start. */
    private void settleResets() {
        while (true) {
            Reset settled;
            synchronized (this) {
                if (running > 0 || resets.isEmpty() || settling) {
                    return;
                }
                // Stays in the list until it has been told, so that no command starts before.
                settled = resets.getFirst();
                settling = true;
                unit.reset(settled.attention());
            }
            settled.lunSettled();
            synchronized (this) {
                resets.removeFirst();
                settling = false;
                if (resets.isEmpty()) {
                    startWaiting();
                }
            }
        }
    }

    private void startWaiting() {
        notifyAll();
        for (int missing = queued - idle; missing > 0 && workers.size() < workersMax; missing--) {
            startWorker();
        }
    }

    /** False if the system has no thread left. */
    private boolean startWorker() {
        Thread worker =
                Thread.ofPlatform()
                        .name(name + "-worker" + workers.size())
                        .daemon()
                        .unstarted(this::work);
        try {
            worker.start();
        } catch (OutOfMemoryError noThread) {
            return false;
        }
        workers.add(worker);
        return true;
    }

    private void work() {
        ScsiTask task = new ScsiTask();
        try {
            SrbRequest request = take();
            while (request != null) {
                StorvspChannel channel = request.channel();
                if (!request.isRefused()) {
                    request.execute(task);
                }
                boolean signal = channel.complete(request);
                finished();
                // After finished(): a guest that makes signalling block holds up nobody else.
                channel.workerDone(signal);
                request = take();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void append(SrbRequest request) {
        if (tail == null) {
            head = request;
        } else {
            tail.next = request;
        }
        tail = request;
        queued++;
    }

    private void removeHead(SrbRequest request) {
        head = request.next;
        if (head == null) {
            tail = null;
        }
        request.next = null;
        queued--;
    }

    private @Nullable SrbRequest takeAll() {
        SrbRequest all = head;
        head = null;
        tail = null;
        queued = 0;
        return all;
    }
}
