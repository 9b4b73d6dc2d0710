package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AdaptiveSpinTest {
    private static final long SPIN_NS = 50_000;
    private static final long SHORT_NS = 100_000;
    private static final long LONG_NS = 10_000_000;

    private final AdaptiveSpin spin = new AdaptiveSpin(SPIN_NS);

    @Test
    void shouldNotSpinOnAQuietChannel() {
        assertThat(spin.allowedNs()).isZero();
        for (int i = 0; i < 100; i++) {
            spin.slept(LONG_NS);
            assertThat(spin.allowedNs()).isZero();
        }
    }

    @Test
    void shouldFindATightLoopSoonAndKeepItHoweverLongAWakeUpTakes() {
        spin.slept(SHORT_NS);
        assertThat(spin.allowedNs()).isEqualTo(SPIN_NS);
        for (int i = 0; i < 100; i++) {
            spin.found();
            assertThat(spin.allowedNs()).isEqualTo(SPIN_NS);
        }
        // One pause does not end it.
        spin.slept(SHORT_NS);
        assertThat(spin.allowedNs()).isZero();
        spin.slept(SHORT_NS);
        assertThat(spin.allowedNs()).isEqualTo(SPIN_NS);
    }

    @Test
    void shouldSpinInVainLessAndLessOften() {
        int tries = 0;
        int sleeps = 10_000;
        for (int i = 0; i < sleeps; i++) {
            tries += spin.allowedNs() > 0 ? 1 : 0;
            spin.slept(SHORT_NS);
        }

        assertThat(tries).isBetween(2, sleeps / 50);
    }

    @Test
    void shouldTryAgainOnlyAfterASleepThatWasShort() {
        for (int i = 0; i < 1000; i++) {
            spin.slept(SHORT_NS);
        }
        for (int i = 0; i < 1000; i++) {
            spin.slept(LONG_NS);
        }
        assertThat(spin.allowedNs()).isZero();
        spin.slept(SHORT_NS);

        assertThat(spin.allowedNs()).isEqualTo(SPIN_NS);
    }

    @Test
    void shouldNeverSpinWithALimitOfZero() {
        AdaptiveSpin never = new AdaptiveSpin(0);
        for (int i = 0; i < 100; i++) {
            never.slept(0);
            assertThat(never.allowedNs()).isZero();
        }
    }
}
