package dev.airlock.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class AimTest {
    private final Map<String, Sample> yardsticks = Map.of("a", new Sample(10, 8, 14));

    @Test
    void shouldJudgeANumberInItsDirection() {
        assertThat(Aim.atLeast(3).isMet(3, Aim.atLeast(3).bound(Map.of()))).isTrue();
        assertThat(Aim.atLeast(3).isMet(2.9, 3)).isFalse();
        assertThat(Aim.atMost(3).isMet(3, 3)).isTrue();
        assertThat(Aim.atMost(3).isMet(3.1, 3)).isFalse();
    }

    @Test
    void shouldTakeAShareOfAYardstick() {
        assertThat(Aim.atLeast(0.7, "a").bound(yardsticks)).isEqualTo(7);
        assertThat(Aim.atMost(1.5, "a").bound(yardsticks)).isEqualTo(15);
        assertThat(Aim.withinSpreadOf("a").bound(yardsticks)).isEqualTo(14);
    }

    @Test
    void shouldNotBeMetWithoutItsYardstick() {
        Aim aim = Aim.atLeast(0.7, "b");
        BenchRow row =
                new BenchRow(
                        "row",
                        "none",
                        "IOPS",
                        Sample.of(1e9),
                        aim,
                        aim.bound(yardsticks),
                        Map.of(),
                        Map.of(),
                        "b is not here");
        assertThat(row.hasBound()).isFalse();
        assertThat(row.isMet()).isFalse();
    }
}
