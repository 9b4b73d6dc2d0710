package dev.airlock.lab.hostile;

import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.EventCounts;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread that writes words into shared memory while the other side reads it, so that nothing
 * there stays what it was when it was checked. Works only while it is let.
 */
final class Scribbler implements AutoCloseable {
    private static final int WORDS_AT_A_TIME = 64;
    private static final long PAUSE_NANOS = 5_000;

    private final MemorySegment memory;
    private final EventCounts<HostileEvent> counts;
    private final Dice dice;
    private final Thread thread;
    private volatile int firstPage;
    private volatile int endPage;
    private volatile boolean closed;

    /**
     * @param memory of the caller's; must outlive this
     */
    Scribbler(MemorySegment memory, long seed, EventCounts<HostileEvent> counts) {
        this.memory = memory;
        this.counts = counts;
        dice = new Dice(seed);
        thread = Thread.ofPlatform().daemon().name("hostile-scribbler").start(this::run);
    }

    /** Lets it write over some pages from now on. */
    void start(int first, int end) {
        firstPage = first;
        endPage = end;
        LockSupport.unpark(thread);
    }

    /** Stops it soon. */
    void pause() {
        endPage = 0;
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!closed) {
            int first = firstPage;
            int end = endPage;
            if (end <= first) {
                LockSupport.park(this);
                continue;
            }
            for (int i = 0; i < WORDS_AT_A_TIME; i++) {
                scribble(first, end);
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void scribble(int first, int end) {
        long page = (long) dice.between(first, end - 1) << HvPage.SHIFT;
        Spoiler.anywhere(memory, page, HvPage.SIZE, dice);
        counts.count(HostileEvent.SCRIBBLE);
    }
}
