package dev.airlock.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class PageAllocatorTest {
    private static final long PAGE = HvPage.SIZE;

    @Test
    void shouldNeverHandOutThePageAtAddressZero() {
        PageAllocator allocator = new PageAllocator(0, 8 * PAGE);
        for (int i = 1; i < 8; i++) {
            assertThat(allocator.allocate(1, 1)).isPositive();
        }
        assertThat(allocator.allocate(1, 1)).isEqualTo(PageAllocator.NONE);
        assertThat(allocator.usedPages()).isEqualTo(7);
    }

    @Test
    void shouldHandOutEveryPageOfARangeThatBeginsElsewhere() {
        PageAllocator allocator = new PageAllocator(16 * PAGE, 8 * PAGE);
        assertThat(allocator.allocate(8 * PAGE, PAGE)).isEqualTo(16 * PAGE);
        assertThat(allocator.allocate(1, PAGE)).isEqualTo(PageAllocator.NONE);
        allocator.free(16 * PAGE, 8 * PAGE);
        assertThat(allocator.usedPages()).isZero();
    }

    @Test
    void shouldAlignTheGuestPhysicalAddressAndNotTheOffsetInTheRange() {
        PageAllocator allocator = new PageAllocator(17 * PAGE, 64 * PAGE);
        assertThat(allocator.allocate(PAGE, 16 * PAGE)).isEqualTo(32 * PAGE);
        assertThat(allocator.allocate(4 * PAGE, 32 * PAGE)).isEqualTo(64 * PAGE);
    }

    @Test
    void shouldFindThePieceThatWasFreedBeforeTheSearchPlace() {
        PageAllocator allocator = new PageAllocator(PAGE, 8 * PAGE);
        long first = allocator.allocate(3 * PAGE, PAGE);
        long second = allocator.allocate(5 * PAGE, PAGE);
        allocator.free(first, 3 * PAGE);
        assertThat(allocator.allocate(4 * PAGE, PAGE)).isEqualTo(PageAllocator.NONE);
        assertThat(allocator.allocate(3 * PAGE, PAGE)).isEqualTo(first);
        allocator.free(second, 5 * PAGE);
    }

    @Test
    void shouldDetectDoubleAndForeignAndPartialFrees() {
        PageAllocator allocator = new PageAllocator(PAGE, 16 * PAGE);
        long first = allocator.allocate(4 * PAGE, PAGE);
        long second = allocator.allocate(4 * PAGE, PAGE);

        assertBug(() -> allocator.free(first, 3 * PAGE), "something else");
        assertBug(() -> allocator.free(first, 8 * PAGE), "something else");
        assertBug(() -> allocator.free(first + PAGE, 3 * PAGE), "something else");
        assertBug(() -> allocator.free(second, 5 * PAGE), "something else");
        assertBug(() -> allocator.free(first + 1, 4 * PAGE), "not of this range");
        assertBug(() -> allocator.free(0, PAGE), "not of this range");
        assertBug(() -> allocator.free(17 * PAGE, PAGE), "not of this range");
        assertBug(() -> allocator.free(first, 0), "not of this range");
        assertBug(() -> allocator.free(first, Long.MAX_VALUE), "not of this range");
        assertThat(allocator.usedPages()).isEqualTo(8);

        allocator.free(first, 4 * PAGE - 100);
        assertBug(() -> allocator.free(first, 4 * PAGE), "double free");
        allocator.free(second, 4 * PAGE);
        assertThat(allocator.usedPages()).isZero();
    }

    @Test
    void shouldRefuseArgumentsThatCannotBeMeant() {
        PageAllocator allocator = new PageAllocator(PAGE, 16 * PAGE);
        for (long[] bad : new long[][] {{0, 1}, {-1, 1}, {1, 0}, {1, 3}, {1, Long.MIN_VALUE}}) {
            assertThatThrownBy(() -> allocator.allocate(bad[0], bad[1]))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(allocator.allocate(Long.MAX_VALUE, 1)).isEqualTo(PageAllocator.NONE);
        assertThat(allocator.allocate(1, 1L << 62)).isEqualTo(PageAllocator.NONE);
    }

    @Test
    void shouldAgreeWithASimpleModel() {
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        Random random = new Random(seed);
        int pages = 100;
        int firstPage = random.nextInt(3) * 7;
        PageAllocator allocator = new PageAllocator(firstPage * PAGE, pages * PAGE);
        BitSet model = new BitSet();
        if (firstPage == 0) {
            model.set(0);
        }
        List<long[]> live = new ArrayList<>();
        for (int round = 0; round < 20_000; round++) {
            String replay = "replay with -Dairlock.seed=" + seed + " round=" + round;
            if (random.nextInt(100) < 55) {
                int count = 1 + random.nextInt(random.nextBoolean() ? 4 : 40);
                int align = 1 << random.nextInt(5);
                long gpa = allocator.allocate(count * PAGE - random.nextInt(4096), align * PAGE);
                boolean possible = fits(model, firstPage, pages, count, align);
                assertThat(gpa >= 0).as(replay).isEqualTo(possible);
                if (gpa >= 0) {
                    int page = (int) (gpa / PAGE) - firstPage;
                    assertThat(gpa % (align * PAGE)).as(replay).isZero();
                    assertThat(page >= 0 && page + count <= pages).as(replay).isTrue();
                    assertThat(model.get(page, page + count).isEmpty()).as(replay).isTrue();
                    model.set(page, page + count);
                    live.add(new long[] {gpa, count * PAGE});
                }
            } else if (!live.isEmpty()) {
                long[] one = live.remove(random.nextInt(live.size()));
                int page = (int) (one[0] / PAGE) - firstPage;
                allocator.free(one[0], one[1]);
                model.clear(page, page + (int) (one[1] / PAGE));
            }
        }
        live.forEach(one -> allocator.free(one[0], one[1]));
        assertThat(allocator.usedPages()).as("seed=" + seed).isZero();
    }

    @Test
    void shouldNeverHandOutAPageTwiceToSeveralThreads() throws InterruptedException {
        PageAllocator allocator = new PageAllocator(PAGE, 64 * PAGE);
        ConcurrentHashMap<Long, Boolean> owned = new ConcurrentHashMap<>();
        ConcurrentHashMap<String, Boolean> failures = new ConcurrentHashMap<>();
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int i = 0; i < 2000; i++) {
                                    long gpa = allocator.allocate(2 * PAGE, PAGE);
                                    if (gpa == PageAllocator.NONE) {
                                        continue;
                                    }
                                    if (owned.put(gpa, true) != null
                                            || owned.put(gpa + PAGE, true) != null) {
                                        failures.put("page handed out twice: gpa=" + gpa, true);
                                    }
                                    owned.remove(gpa);
                                    owned.remove(gpa + PAGE);
                                    allocator.free(gpa, 2 * PAGE);
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(allocator.usedPages()).isZero();
    }

    private static boolean fits(BitSet used, int firstPage, int pages, int count, int align) {
        for (int page = 0; page + count <= pages; page++) {
            if ((firstPage + page) % align == 0 && used.get(page, page + count).isEmpty()) {
                return true;
            }
        }
        return false;
    }

    private static void assertBug(ThrowingCallable call, String why) {
        assertThatThrownBy(call)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(why);
    }
}
