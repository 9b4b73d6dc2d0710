package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class VisibilitySeriesTest {
    @Test
    void shouldCoverAllOfALongTimeWithFewSamples() {
        VisibilitySeries series = new VisibilitySeries();
        long now = 0;
        long added = 0;
        while (now < 10 * 3_600_000L) {
            now += series.add(now, now / 7);
            added++;
        }

        List<VisibilitySeries.Sample> samples = series.samples();
        assertThat(added).isGreaterThan(5 * VisibilitySeries.SAMPLES_MAX);
        assertThat(samples)
                .hasSizeBetween(VisibilitySeries.SAMPLES_MAX / 2, VisibilitySeries.SAMPLES_MAX);
        assertThat(samples.getFirst().milliseconds()).isZero();
        assertThat(samples.getLast().milliseconds()).isGreaterThan(9 * 3_600_000L);
        long step = samples.get(1).milliseconds() - samples.get(0).milliseconds();
        for (int i = 1; i < samples.size(); i++) {
            VisibilitySeries.Sample sample = samples.get(i);
            assertThat(sample.visible()).isEqualTo(sample.milliseconds() / 7);
            assertThat(sample.milliseconds() - samples.get(i - 1).milliseconds())
                    .isBetween(1L, step);
        }
    }

    @Test
    void shouldKeepEverySampleOfAShortTime() {
        VisibilitySeries series = new VisibilitySeries();
        for (int i = 0; i < VisibilitySeries.SAMPLES_MAX; i++) {
            assertThat(series.add(i, 2L * i)).isEqualTo(100);
        }

        assertThat(series.samples()).hasSize(VisibilitySeries.SAMPLES_MAX);
        assertThat(series.samples().get(7)).isEqualTo(new VisibilitySeries.Sample(7, 14));
    }
}
