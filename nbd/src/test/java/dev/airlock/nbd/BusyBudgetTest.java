package dev.airlock.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BusyBudgetTest {
    private static final long MS = 1_000_000;

    private final BusyBudget budget = new BusyBudget();
    private long now = 1_000 * MS;

    @Test
    void shouldGiveASlowDiskMuchAndAFastOneLittle() {
        answers(100, 10 * MS);
        assertThat(budget.bytes()).isEqualTo(BusyBudget.LARGE_BYTES);
        answers(5_000, MS / 2);
        assertThat(budget.bytes()).isEqualTo(BusyBudget.SMALL_BYTES);
    }

    @Test
    void shouldStayWithLittleForAFastDiskThatFewAsk() {
        // A slow client, or many connections that share the disk: seldom, but fast.
        for (int i = 0; i < 1_000; i++) {
            now += 20 * MS;
            budget.ended(MS / 10, now);
            assertThat(budget.bytes()).isEqualTo(BusyBudget.SMALL_BYTES);
        }
    }

    @Test
    void shouldNotBelieveSingleLateAnswers() {
        for (int i = 0; i < 1_000; i++) {
            now += MS;
            budget.ended(i % 5 == 0 ? MS / 10 : 10 * MS, now);
            assertThat(budget.bytes()).isEqualTo(BusyBudget.SMALL_BYTES);
        }
    }

    @Test
    void shouldTellALongQueueFromASlowDisk() {
        answers(100, 10 * MS);
        assertThat(budget.bytes()).isEqualTo(BusyBudget.LARGE_BYTES);
        // Fast now, but with much under way each answer takes long; with little it does not.
        for (int i = 0; i < 5_000; i++) {
            now += MS;
            boolean isLarge = budget.bytes() == BusyBudget.LARGE_BYTES;
            budget.ended(isLarge ? 10 * MS : MS, now);
        }
        assertThat(budget.bytes()).isEqualTo(BusyBudget.SMALL_BYTES);
    }

    @Test
    void shouldAllowTwoRequestsOfAnySize() {
        assertThat(budget.allows(0, 32 << 20)).isTrue();
        assertThat(budget.allows(32 << 20, 32 << 20)).isTrue();
        assertThat(budget.allows(64 << 20, 32 << 20)).isFalse();
        assertThat(budget.allows(BusyBudget.SMALL_BYTES - 4096, 4096)).isTrue();
        assertThat(budget.allows(BusyBudget.SMALL_BYTES, 4096)).isFalse();
    }

    private void answers(int count, long nanos) {
        for (int i = 0; i < count; i++) {
            now += MS;
            budget.ended(nanos, now);
        }
    }
}
