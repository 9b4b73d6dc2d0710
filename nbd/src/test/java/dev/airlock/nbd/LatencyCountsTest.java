package dev.airlock.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class LatencyCountsTest {
    @Test
    void shouldTellPercentilesWithinSixPercent() {
        LatencyCounts counts = new LatencyCounts();
        for (long nanos = 1; nanos <= 100_000; nanos++) {
            counts.record(nanos * 10);
        }
        Percentage close = Percentage.withPercentage(6.3);
        assertThat(counts.percentile(0.5)).isCloseTo(500_000, close);
        assertThat(counts.percentile(0.99)).isCloseTo(990_000, close);
        assertThat(counts.percentile(1)).isCloseTo(1_000_000, close);
    }

    @Test
    void shouldTellWhatCameSince() {
        LatencyCounts all = new LatencyCounts();
        all.record(5);
        LatencyCounts before = new LatencyCounts();
        before.add(all);
        all.record(Long.MAX_VALUE);
        all.record(-1);
        assertThat(before.percentile(1)).isEqualTo(5);
        assertThat(all.since(before).percentile(0.5)).isZero();
        assertThat(all.since(before).percentile(1)).isEqualTo(Long.MAX_VALUE);
        assertThat(new LatencyCounts().percentile(0.5)).isZero();
    }
}
