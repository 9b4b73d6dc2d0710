package dev.airlock.dma;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The pools of a {@link Swiotlb} at one moment; growth makes another list. Immutable. */
final class SlotPools {
    final SlotPool[] pools;

    SlotPools(SlotPool... pools) {
        this.pools = pools;
    }

    SlotPools with(SlotPool added) {
        SlotPool[] more = Arrays.copyOf(pools, pools.length + 1);
        more[pools.length] = added;
        return new SlotPools(more);
    }

    /** The pool in which an address lies, or null. There are few: Linux walks a list likewise. */
    @Nullable SlotPool find(long address) {
        for (SlotPool pool : pools) {
            if (pool.contains(address)) {
                return pool;
            }
        }
        return null;
    }

    SlotPool last() {
        return pools[pools.length - 1];
    }

    long slots() {
        long sum = 0;
        for (SlotPool pool : pools) {
            sum += pool.slots;
        }
        return sum;
    }

    /** Slots of live mappings. */
    long used() {
        long sum = 0;
        for (SlotPool pool : pools) {
            for (SlotArea area : pool.areas()) {
                sum += area.used();
            }
        }
        return sum;
    }

    /** Mappings ever made. */
    long claims() {
        long sum = 0;
        for (SlotPool pool : pools) {
            for (SlotArea area : pool.areas()) {
                area.lock();
                sum += area.claims();
                area.unlock();
            }
        }
        return sum;
    }

    /** Adds up the areas' counters; those that are not theirs are passed through. */
    DmaStatistics statistics(int slotBytes, long direct, long highWater, long busy) {
        long claims = 0;
        long mapped = 0;
        long in = 0;
        long out = 0;
        long used = 0;
        long taken = 0;
        long searched = 0;
        for (SlotPool pool : pools) {
            for (SlotArea area : pool.areas()) {
                area.lock();
                claims += area.claims();
                mapped += area.bytesMapped();
                in += area.bytesIn();
                out += area.bytesOut();
                used += area.used();
                taken += area.slotsClaimed();
                searched += area.segmentsSearched();
                area.unlock();
            }
        }
        return new DmaStatistics(
                direct,
                claims,
                mapped,
                in,
                out,
                slotBytes,
                slots(),
                used,
                highWater,
                taken,
                busy,
                searched,
                pools.length - 1);
    }
}
