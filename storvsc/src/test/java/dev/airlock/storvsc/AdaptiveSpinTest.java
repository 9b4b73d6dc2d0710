package dev.airlock.storvsc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AdaptiveSpinTest {
    private static final long MAX = 50_000;

    @Test
    void shouldNeverExceedItsMaximum() {
        AdaptiveSpin spin = new AdaptiveSpin(MAX);
        for (int i = 0; i < 50; i++) {
            spin.paid();
            assertThat(spin.budgetNanos()).isBetween(1L, MAX);
        }
        assertThat(spin.budgetNanos()).isEqualTo(MAX);
    }

    @Test
    void shouldGiveUpAfterAFewWastedSpins() {
        AdaptiveSpin spin = new AdaptiveSpin(MAX);
        for (int i = 0; i < 10; i++) {
            spin.paid();
        }
        long wasted = 0;
        while (spin.budgetNanos() > 0) {
            wasted += spin.budgetNanos();
            spin.wasted();
        }
        assertThat(wasted).isLessThan(2 * MAX);
    }

    @Test
    void shouldSpinAgainOnlyAfterAShortSleep() {
        AdaptiveSpin spin = new AdaptiveSpin(MAX);
        while (spin.budgetNanos() > 0) {
            spin.wasted();
        }
        spin.slept(10 * MAX);
        assertThat(spin.budgetNanos()).isZero();
        spin.slept(MAX / 2);
        assertThat(spin.budgetNanos()).isPositive();
    }

    @Test
    void shouldNeverSpinWhenToldSo() {
        AdaptiveSpin spin = new AdaptiveSpin(0);
        spin.paid();
        spin.slept(0);
        assertThat(spin.budgetNanos()).isZero();
    }
}
