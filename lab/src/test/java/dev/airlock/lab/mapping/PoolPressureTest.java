package dev.airlock.lab.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The form of the pressure table, and what must hold whatever the machine does. */
class PoolPressureTest {
    private static final int POOL_SLOTS = 8192;

    @Test
    void shouldFindLessAndLessInAFragmentedPoolAndGrowWhenItMay() throws Exception {
        LabOptions options = LabOptions.quick();
        int[] told = new int[1];
        List<ReportRow> rows = new PoolPressure(options).run(step -> told[0]++);
        assertThat(told[0]).isEqualTo(PoolPressure.steps(options)).isEqualTo(rows.size());
        Map<Integer, Double> largest = new TreeMap<>();
        for (ReportRow row : rows) {
            String name = row.key().toString();
            boolean growing = row.is("growing", true);
            assertThat(row.median("failedPercent")).as(name).isBetween(0.0, 100.0);
            assertThat(row.median("worstToBestThread")).as(name).isBetween(0.0, 1.0);
            assertThat(row.median("slotsPerMapping")).as(name).isBetween(2.0, 128.0);
            assertThat(row.median("nsPerAttempt")).as(name).isPositive();
            if (growing) {
                assertThat(row.median("growths")).as(name).isPositive();
                assertThat(row.median("slotsAfter")).as(name).isGreaterThan(POOL_SLOTS);
            } else {
                assertThat(row.median("growths")).as(name).isZero();
                assertThat(row.median("slotsAfter")).as(name).isEqualTo(POOL_SLOTS);
            }
            if (row.is("strewn", true) && row.is("threads", 1) && !growing) {
                largest.put(row.number("usePercent"), row.median("largestFreeBytes"));
            }
        }
        assertThat(largest.keySet()).containsExactlyElementsOf(PoolPressure.USE_PERCENT);
        assertThat(List.copyOf(largest.values())).isSortedAccordingTo(Comparator.reverseOrder());
        assertThat(largest.get(99)).isEqualTo(4096);
    }
}
