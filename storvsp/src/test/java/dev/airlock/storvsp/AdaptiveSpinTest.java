package dev.airlock.storvsp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AdaptiveSpinTest {
    private static final long MAX_NS = 50_000;

    private final AdaptiveSpin spin = new AdaptiveSpin(MAX_NS);

    @Test
    void shouldNotSpinOnAQuietChannel() {
        spin.workAfter(10_000_000);

        assertThat(spin.allowedNs()).isZero();
    }

    @Test
    void shouldGrowToItsLimitWhenWorkKeepsComingSoon() {
        long before = spin.allowedNs();
        for (int i = 0; i < 20; i++) {
            spin.workAfter(5_000);
            assertThat(spin.allowedNs()).isGreaterThanOrEqualTo(before);
            before = spin.allowedNs();
        }

        assertThat(spin.allowedNs()).isEqualTo(MAX_NS);
    }

    @Test
    void shouldStopSpinningSoonAfterWorkStopsComing() {
        for (int i = 0; i < 20; i++) {
            spin.workAfter(5_000);
        }
        int waits = 0;
        while (spin.allowedNs() > 0) {
            spin.workAfter(MAX_NS + 1);
            waits++;
        }

        assertThat(waits).isLessThanOrEqualTo(6);
    }

    @Test
    void shouldNeverSpinWithALimitOfZero() {
        AdaptiveSpin never = new AdaptiveSpin(0);
        never.workAfter(0);
        never.workAfter(1);

        assertThat(never.allowedNs()).isZero();
    }
}
