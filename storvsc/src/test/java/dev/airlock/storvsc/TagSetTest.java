package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class TagSetTest {
    @Test
    void shouldHandOutEveryTagOnceAndThenNone() {
        TagSet tags = new TagSet(70);
        for (int expected = 0; expected < 70; expected++) {
            assertThat(tags.claim()).isEqualTo(expected);
        }
        assertThat(tags.claim()).isEqualTo(-1);
        assertThat(tags.claimedCount()).isEqualTo(70);
    }

    @Test
    void shouldHandOutTheLowestFreeTagAgain() {
        TagSet tags = new TagSet(130);
        for (int i = 0; i < 130; i++) {
            tags.claim();
        }
        tags.release(129);
        tags.release(64);
        tags.release(3);
        assertThat(tags.claim()).isEqualTo(3);
        assertThat(tags.claim()).isEqualTo(64);
        assertThat(tags.claim()).isEqualTo(129);
    }

    @Test
    void shouldClaimACertainTagOnlyWhileItIsFree() {
        TagSet tags = new TagSet(64);
        assertThat(tags.claim(63)).isTrue();
        assertThat(tags.claim(63)).isFalse();
        assertThat(tags.claim(64)).isFalse();
        assertThat(tags.claim(-1)).isFalse();
        assertThat(tags.claimedCount()).isEqualTo(1);
    }

    @Test
    void shouldThrowWhenATagIsReleasedTwice() {
        TagSet tags = new TagSet(8);
        tags.claim();
        tags.release(0);
        assertThatThrownBy(() -> tags.release(0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldListWhatIsClaimedLikeASet() {
        Random random = new Random(Seed.get());
        TagSet tags = new TagSet(200);
        TreeSet<Integer> model = new TreeSet<>();
        for (int step = 0; step < 5_000; step++) {
            int tag = random.nextInt(200);
            if (model.contains(tag)) {
                tags.release(tag);
                model.remove(tag);
            } else {
                assertThat(tags.claim(tag)).isTrue();
                model.add(tag);
            }
            if (step % 50 == 0) {
                List<Integer> listed = new ArrayList<>();
                for (int t = tags.nextClaimed(0); t >= 0; t = tags.nextClaimed(t + 1)) {
                    listed.add(t);
                }
                assertThat(listed).containsExactlyElementsOf(model);
                assertThat(tags.claimedCount()).isEqualTo(model.size());
            }
        }
    }

    @Test
    void shouldNeverGiveOneTagToTwoThreads() throws InterruptedException {
        TagSet tags = new TagSet(65);
        AtomicIntegerArray owners = new AtomicIntegerArray(65);
        AtomicIntegerArray clashes = new AtomicIntegerArray(1);
        Runnable work =
                () -> {
                    for (int i = 0; i < 100_000; i++) {
                        int tag = tags.claim();
                        if (tag >= 0) {
                            if (owners.incrementAndGet(tag) != 1) {
                                clashes.incrementAndGet(0);
                            }
                            owners.decrementAndGet(tag);
                            tags.release(tag);
                        }
                    }
                };
        List<Thread> threads = List.of(new Thread(work), new Thread(work), new Thread(work));
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(clashes.get(0)).isZero();
        assertThat(tags.claimedCount()).isZero();
    }
}
