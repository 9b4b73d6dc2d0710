package dev.airlock.dma;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The most slots that were in use at once, over all areas, without a counter that every mapping
 * writes ({@code inc_used_and_hiwater} of Linux does that, for debugfs only).
 *
 * <p>What is missing to a new record is split among the areas as quotas. While every area stays
 * within its quota the sum cannot be a record, so an area asks only when it exceeds its own: while
 * the pool is used more than ever before, and hardly ever after that.
 *
 * <p>Thread-safe. Exact when one thread maps at a time; among several, a peak that passes within
 * the time of one call may be missed by as much as those calls took.
 */
final class HighWaterMark {
    private final AtomicBoolean busy = new AtomicBoolean();
    private volatile long mark;

    long value() {
        return mark;
    }

    /** Called, without any lock, by who finds its area over quota. */
    void observe(SlotPools all) {
        while (!busy.compareAndSet(false, true)) {
            Thread.yield();
        }
        try {
            long used = 0;
            int areas = 0;
            for (SlotPool pool : all.pools) {
                for (SlotArea area : pool.areas()) {
                    used += area.used();
                    areas++;
                }
            }
            mark = Math.max(mark, used);
            int share = (int) ((mark - used) / areas);
            for (SlotPool pool : all.pools) {
                for (SlotArea area : pool.areas()) {
                    area.quota(area.used() + share);
                }
            }
        } finally {
            busy.set(false);
        }
    }
}
