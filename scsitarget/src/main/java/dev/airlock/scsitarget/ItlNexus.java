package dev.airlock.scsitarget;

import dev.airlock.memory.IoVector;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One guest's relation to one logical unit (SAM-5's I_T_L nexus): executes its commands and holds
 * its unit attentions. Made by {@link TargetBus}, found by {@link Nexus#find}. Any number of
 * threads may execute commands on it at once, each with its own {@link ScsiTask}; nothing is locked
 * meanwhile.
 *
 * <p>Once removed from the bus, or its guest gone, it answers every command as an absent LUN does;
 * commands under way end as they would have.
 */
public final class ItlNexus {

    /** Bit of {@link #users} that is set once no command may begin. */
    private static final int DETACHED = 1 << 30;

    private final Nexus nexus;
    private final LunAddress address;
    private final LogicalUnit unit;

    /** Bits of {@link UnitAttention}. */
    private final AtomicInteger attentions = new AtomicInteger();

    /** Commands under way, and {@link #DETACHED}. */
    private final AtomicInteger users = new AtomicInteger();

    private volatile boolean stopped;

    ItlNexus(Nexus nexus, LunAddress address, LogicalUnit unit) {
        this.nexus = nexus;
        this.address = address;
        this.unit = unit;
    }

    public LunAddress address() {
        return address;
    }

    public LogicalUnit unit() {
        return unit;
    }

    /**
     * Carries a command out, waiting for the disk where it must. The result is in {@code task}.
     * Allocates nothing for READ, WRITE, SYNCHRONIZE CACHE and TEST UNIT READY unless they fail.
     * Throws nothing for what a guest can send.
     *
     * @param cdb where the CDB lies, private to the caller or not: it is copied once
     * @param cdbBytes length of the CDB; more than 16 count as 16
     * @param direction a {@code VstorSrb.DIRECTION_*}
     * @param data the guest's buffer, not touched after the call; empty when there is none
     */
    public void execute(
            MemorySegment cdb, long at, int cdbBytes, int direction, IoVector data, ScsiTask task) {
        task.begin(cdb, at, cdbBytes, direction, data, false);
        run(task);
    }

    /**
     * Carries a command out if that takes no waiting: on a disk at memory speed everything but
     * UNMAP and long ranges; on others what does not touch the disk, and reads that the disk can
     * serve at once.
     *
     * @return false if it takes waiting: nothing has been done but to overwrite parts of the data
     *     buffer of a read, and the caller is to {@link #execute} the same command on a thread that
     *     may wait
     */
    public boolean tryExecute(
            MemorySegment cdb, long at, int cdbBytes, int direction, IoVector data, ScsiTask task) {
        task.begin(cdb, at, cdbBytes, direction, data, true);
        run(task);
        return !task.isDeferred();
    }

    private void run(ScsiTask task) {
        if (enter()) {
            try {
                unit.execute(task, this);
            } finally {
                leave();
            }
        } else {
            AbsentLun.execute(task, nexus, address.path(), address.target(), address.lun());
        }
        task.end();
    }

    /**
     * Resets this guest's view of the unit: its attentions tell so, and it is started. Other guests
     * do not notice.
     */
    public void reset(UnitAttention reset) {
        if ((reset.bit() & UnitAttention.RESETS) == 0) {
            throw new IllegalArgumentException("not a reset: " + reset);
        }
        stopped = false;
        attentions.getAndUpdate(bits -> bits & ~UnitAttention.RESETS | reset.bit());
    }

    /** Establishes a unit attention; one that is already pending stays one. */
    void attention(UnitAttention attention) {
        attentions.getAndUpdate(bits -> bits | attention.bit());
    }

    boolean hasAttention() {
        return attentions.get() != 0;
    }

    /** Takes the first pending attention, or null. */
    @Nullable UnitAttention takeAttention() {
        while (true) {
            int bits = attentions.get();
            if (bits == 0) {
                return null;
            }
            if (attentions.compareAndSet(bits, bits & bits - 1)) {
                return UnitAttention.first(bits);
            }
        }
    }

    void clearAttention(UnitAttention attention) {
        attentions.getAndUpdate(bits -> bits & ~attention.bit());
    }

    /** The guest's whole view, for commands that concern more than this unit. */
    Nexus nexus() {
        return nexus;
    }

    boolean isStopped() {
        return stopped;
    }

    void stopped(boolean value) {
        stopped = value;
    }

    /** No command begins from now on. */
    void detach() {
        users.getAndUpdate(value -> value | DETACHED);
        unit.wakeIfIdle(this);
    }

    boolean isIdle() {
        return users.get() == DETACHED;
    }

    private boolean enter() {
        if ((users.incrementAndGet() & DETACHED) == 0) {
            return true;
        }
        leave();
        return false;
    }

    private void leave() {
        if (users.decrementAndGet() == DETACHED) {
            unit.wakeIfIdle(this);
        }
    }
}
