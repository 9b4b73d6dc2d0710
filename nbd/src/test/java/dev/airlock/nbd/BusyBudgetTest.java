package dev.airlock.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BusyBudgetTest {
    private static final long MS = 1_000_000;

    @Test
    void shouldGiveASlowDiskMuchAndAFastOneLittle() {
        BusyBudget budget = new BusyBudget();
        long now = 1_000 * MS;
        for (int i = 0; i < 100; i++) {
            now += 10 * MS;
            budget.ended(1 << 20, now);
        }
        assertThat(budget.bytes()).isEqualTo(BusyBudget.LARGE_BYTES);
        for (int i = 0; i < 100; i++) {
            now += MS / 2;
            budget.ended(1 << 20, now);
        }
        assertThat(budget.bytes()).isEqualTo(BusyBudget.SMALL_BYTES);
    }
}
