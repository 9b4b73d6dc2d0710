package dev.airlock.cli;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.lab.bench.Aim;
import dev.airlock.lab.bench.BenchRow;
import dev.airlock.lab.bench.Sample;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchReportTest {
    private static final Map<String, Double> MACHINE = Map.of("coreHopNs", 50.0);

    private final BenchRow met =
            new BenchRow(
                    "fast",
                    "none",
                    "IOPS",
                    Sample.of(5e6, 4e6, 6e6),
                    Aim.atLeast(1e6),
                    1e6,
                    Map.of("iops", 5e6),
                    MACHINE,
                    "");
    private final BenchRow unknown =
            new BenchRow(
                    "slow",
                    "forced",
                    "MB/s",
                    Sample.of(1),
                    Aim.atLeast(0.7, "fioIops"),
                    Double.NaN,
                    Map.of(),
                    Map.of("coreHopNs", 50.0, "other", 7.0),
                    "fio is not installed");
    private final BenchReport report = new BenchReport(List.of(met, unknown), MACHINE);

    @Test
    @SuppressWarnings("unchecked")
    void shouldGiveEachRowWithItsAimAndYardsticks() {
        List<Map<String, Object>> rows =
                (List<Map<String, Object>>) requireNonNull(report.fields().get("rows"));
        assertThat(rows.getFirst())
                .containsEntry("name", "fast")
                .containsEntry("isolation", "none")
                .containsEntry("unit", "IOPS")
                .containsEntry("median", 5e6)
                .containsEntry("min", 4e6)
                .containsEntry("max", 6e6)
                .containsEntry("yardsticks", MACHINE);
        assertThat((Map<String, Object>) requireNonNull(rows.getFirst().get("aim")))
                .containsEntry("is", "at least")
                .containsEntry("bound", 1e6)
                .containsEntry("met", true);
        assertThat((Map<String, Object>) requireNonNull(rows.getLast().get("aim")))
                .containsEntry("bound", null)
                .containsEntry("met", null)
                .containsEntry("yardstick", "fioIops");
    }

    @Test
    void shouldPrintAimsLoadsAndWhatIsMissing() {
        assertThat(report.render().lines())
                .anyMatch(line -> line.matches("fast +no +5,000,000 .*≥ 1,000,000 +yes"))
                .anyMatch(line -> line.matches("slow +yes +1\\.00 .* \\? +other=7\\.00"))
                .contains("this machine meanwhile: coreHopNs=50.0", "slow: fio is not installed");
    }
}
