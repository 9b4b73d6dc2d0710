package dev.airlock.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RangeLocksTest {
    private final RangeLocks locks = new RangeLocks();

    @SuppressWarnings("NullAway.Init") // before each test
    private Mailbox mailbox;

    @BeforeEach
    void open() throws Exception {
        mailbox = new Mailbox();
        mailbox.own();
    }

    @AfterEach
    void close() {
        mailbox.close();
    }

    @Test
    void shouldLetSharedOnesOverlapAndKeepAnExclusiveOneApart() {
        Slot first = new Slot(mailbox);
        Slot second = new Slot(mailbox);
        Slot alone = new Slot(mailbox);
        Slot elsewhere = new Slot(mailbox);
        assertThat(locks.acquire(first, 0, 1024, false)).isTrue();
        assertThat(locks.acquire(second, 512, 2048, false)).isTrue();
        assertThat(locks.acquire(alone, 512, 1024, true)).isFalse();
        assertThat(locks.acquire(elsewhere, 2048, 4096, true)).isTrue();
        locks.release(first);
        assertThat(mailbox.take()).isNull();
        locks.release(second);
        assertThat(mailbox.take()).isSameAs(alone);
    }

    @Test
    void shouldNotLetLaterOnesStarveAnExclusiveOne() {
        Slot holder = new Slot(mailbox);
        Slot alone = new Slot(mailbox);
        Slot later = new Slot(mailbox);
        assertThat(locks.acquire(holder, 0, 512, false)).isTrue();
        assertThat(locks.acquire(alone, 0, 512, true)).isFalse();
        assertThat(locks.acquire(later, 0, 512, false)).isFalse();
        locks.release(holder);
        assertThat(mailbox.take()).isSameAs(alone);
        assertThat(mailbox.take()).isNull();
        locks.release(alone);
        assertThat(mailbox.take()).isSameAs(later);
    }

    @Test
    void shouldGrantEverythingInTheEndAndNeverTwoThatConflict() {
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        List<Slot> held = new ArrayList<>();
        int granted = 0;
        int asked = 0;
        while (asked < 5_000 || granted < asked) {
            if (asked < 5_000 && random.nextInt(3) > 0) {
                Slot slot = new Slot(mailbox);
                long start = random.nextInt(32);
                boolean exclusive = random.nextInt(4) == 0;
                asked++;
                if (locks.acquire(slot, start, start + 1 + random.nextInt(8), exclusive)) {
                    granted++;
                    held.add(slot);
                }
            } else if (!held.isEmpty()) {
                locks.release(held.remove(random.nextInt(held.size())));
            }
            for (Slot slot = mailbox.take(); slot != null; slot = mailbox.take()) {
                granted++;
                held.add(slot);
            }
            for (Slot one : held) {
                for (Slot other : held) {
                    boolean overlap =
                            one.lockStart < other.lockEnd && other.lockStart < one.lockEnd;
                    boolean conflict =
                            !one.equals(other) && (one.lockExclusive || other.lockExclusive);
                    assertThat(overlap && conflict).isFalse();
                }
            }
        }
        assertThat(granted).isEqualTo(asked);
    }
}
