package dev.airlock.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class YardsticksTest {
    private static final long SHORT = 5_000_000;

    @Test
    void shouldTakeTheMedianAndTheExtremes() {
        assertThat(Sample.of(5, 1, 9)).isEqualTo(new Sample(5, 1, 9));
        assertThat(Sample.of(4, 2)).isEqualTo(new Sample(3, 2, 4));
        assertThat(Sample.of(2).times(3)).isEqualTo(new Sample(6, 6, 6));
        assertThatThrownBy(Sample::of).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldMeasureEachYardstick(@TempDir Path folder) throws Exception {
        assertThat(Yardsticks.memcpyBytesPerSecond(4096, 1 << 20, SHORT)).isGreaterThan(1e6);
        assertThat(Yardsticks.preadNanos(folder, 4096, 1 << 20, SHORT)).isGreaterThan(1);
        assertThat(Yardsticks.hopNanos(SHORT)).isGreaterThan(1);
        assertThat(Yardsticks.eventFdRoundTripNanos(SHORT)).isGreaterThan(100);
        assertThat(Yardsticks.eventFdAsleepNanos(100_000, SHORT)).isGreaterThan(100);
        assertThat(Yardsticks.machineLoadPercent(SHORT)).isNotNegative();
        assertThat(folder).isEmptyDirectory();
    }
}
