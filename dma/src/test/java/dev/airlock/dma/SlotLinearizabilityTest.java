package dev.airlock.dma;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Short histories of several threads on a pool so small that they are always in each other's way,
 * each held against all orders of its calls.
 */
class SlotLinearizabilityTest {
    private static final int THREADS = 2;
    private static final int CALLS = 30;
    private static final int ROUNDS_AT_ONCE = 200;
    private static final int SPINS = 256;
    private static final int SEGMENT_SLOTS = 4;
    private static final int SEGMENTS = 2;
    private static final int SLOTS = SEGMENTS * SEGMENT_SLOTS;
    private static final SwiotlbOptions OPTIONS =
            SwiotlbOptions.DEFAULTS.withSlots(2048, SEGMENT_SLOTS);

    @Test
    void shouldBeLinearizableWithOneArea() throws Exception {
        check(1, 6_000);
    }

    @Test
    void shouldBeLinearizableWithTwoAreasButForMissesThatAreOverlapped() throws Exception {
        check(2, 6_000);
    }

    @Test
    @Tag("soak")
    void shouldBeLinearizableInManyMoreHistories() throws Exception {
        check(1, 200_000);
        check(2, 200_000);
    }

    @Test
    void shouldSeeASlotGivenOutTwice() {
        SlotHistory history = new SlotHistory(SLOTS, SEGMENT_SLOTS, false);
        history.add(new SlotHistory.Call(true, 2, 0, 0, 5));
        history.add(new SlotHistory.Call(true, 1, 1, 1, 6));
        assertThat(history.isLinearizable()).isFalse();
    }

    @Test
    void shouldSeeASlotThatIsFoundTooLate() {
        SlotHistory history = new SlotHistory(SLOTS, SEGMENT_SLOTS, true);
        history.add(new SlotHistory.Call(true, 4, 0, 0, 1));
        history.add(new SlotHistory.Call(true, 4, 4, 2, 3));
        history.add(new SlotHistory.Call(false, 4, 0, 4, 5));
        history.add(new SlotHistory.Call(true, 4, SlotPool.NONE, 6, 7));
        assertThat(history.isLinearizable()).isFalse();
    }

    @Test
    void shouldFindTheOrderOfOverlappingCalls() {
        SlotHistory history = new SlotHistory(SLOTS, SEGMENT_SLOTS, false);
        history.add(new SlotHistory.Call(true, 4, 0, 0, 1));
        history.add(new SlotHistory.Call(true, 4, 4, 2, 3));
        history.add(new SlotHistory.Call(false, 4, 0, 4, 9));
        history.add(new SlotHistory.Call(true, 4, 0, 5, 8));
        assertThat(history.isLinearizable()).isTrue();
    }

    private static void check(int areas, int rounds) throws Exception {
        SplittableRandom random =
                new SplittableRandom(Seeded.forTest("SlotLinearizability").random().nextLong());
        AtomicInteger clock = new AtomicInteger();
        AtomicInteger started = new AtomicInteger();
        long misses = 0;
        long overlapped = 0;
        try (ExecutorService executor = Executors.newFixedThreadPool(THREADS)) {
            for (int round = 0; round < rounds; round += ROUNDS_AT_ONCE) {
                List<SlotPool> pools = new ArrayList<>();
                for (int i = 0; i < ROUNDS_AT_ONCE; i++) {
                    pools.add(new SlotPool(0, SLOTS, OPTIONS, areas));
                }
                clock.set(0);
                started.set(0);
                List<Future<List<List<SlotHistory.Call>>>> threads = new ArrayList<>();
                for (int thread = 0; thread < THREADS; thread++) {
                    SplittableRandom own = random.split();
                    int preferred = thread;
                    threads.add(
                            executor.submit(() -> {
                                List<List<SlotHistory.Call>> all = new ArrayList<>();
                                for (int i = 0; i < ROUNDS_AT_ONCE; i++) {
                                    awaitAll(started, (i + 1) * THREADS);
                                    all.add(run(pools.get(i), own, clock, preferred));
                                }
                                return all;
                            }));
                }
                for (int i = 0; i < ROUNDS_AT_ONCE; i++) {
                    SlotHistory history = new SlotHistory(SLOTS, SEGMENT_SLOTS, areas > 1);
                    for (Future<List<List<SlotHistory.Call>>> thread : threads) {
                        for (SlotHistory.Call call : thread.get().get(i)) {
                            history.add(call);
                            misses += call.slot() == SlotPool.NONE ? 1 : 0;
                            overlapped += call.end() - call.begin() > 1 ? 1 : 0;
                        }
                    }
                    assertThat(history.isLinearizable())
                            .as("round=%d%n%s", round + i, history)
                            .isTrue();
                }
            }
        }
        assertThat(misses).as("full pools met").isPositive();
        // On a machine without a free processor there may be none.
        System.out.printf(
                "slot histories: areas=%d rounds=%d overlappedCalls=%d misses=%d%n",
                areas, rounds, overlapped, misses);
    }

    /** Begins together with the others: all spin, as waking takes longer than a round. */
    private static void awaitAll(AtomicInteger started, int all) {
        started.incrementAndGet();
        for (int spins = 0; started.get() < all; spins++) {
            if (spins % SPINS == 0) {
                Thread.yield();
            }
            Thread.onSpinWait();
        }
    }

    /** Claims and releases at random, what it holds at the end included. */
    private static List<SlotHistory.Call> run(
            SlotPool pool, SplittableRandom random, AtomicInteger clock, int preferred) {
        List<SlotHistory.Call> calls = new ArrayList<>();
        List<SlotHistory.Call> held = new ArrayList<>();
        for (int i = 0; i < CALLS; i++) {
            if (!held.isEmpty() && random.nextInt(3) == 0) {
                SlotHistory.Call mine = held.remove(random.nextInt(held.size()));
                int begin = clock.getAndIncrement();
                boolean released = pool.release(mine.slot(), pool.fields(mine.slot()), 0);
                int end = clock.getAndIncrement();
                assertThat(released).isTrue();
                calls.add(new SlotHistory.Call(false, mine.wanted(), mine.slot(), begin, end));
            } else {
                int wanted = 1 + random.nextInt(SEGMENT_SLOTS);
                int begin = clock.getAndIncrement();
                int slot = pool.claim(preferred, wanted, -1L, -1L, 1, 0);
                int end = clock.getAndIncrement();
                SlotHistory.Call call = new SlotHistory.Call(true, wanted, slot, begin, end);
                calls.add(call);
                if (slot != SlotPool.NONE) {
                    pool.record(slot, 0, 1, 0, wanted, 0);
                    held.add(call);
                }
            }
        }
        return calls;
    }
}
