package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code airlock bench guest --nested}: what it prints is whole; the figures are nobody's to test.
 */
@Tag("soak")
class NestedBenchTest {
    /** Only keeps a broken program from hanging the tests: a busy machine takes minutes. */
    private static final long PATIENCE_MINUTES = 30;

    @Test
    void shouldMeasureOurGuestsQemusAndTheWayOfASignal() throws Exception {
        for (String tool : List.of("qemu-system-x86_64", "busybox", "fio")) {
            ExportRig.requireTool(tool);
        }
        try (AirlockProcess airlock =
                AirlockProcess.start(
                        "bench", "guest", "--nested", "--runs", "1", "--seconds", "1", "--json")) {
            assertThat(airlock.process().waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)).isTrue();
            AirlockProcess.Result result = airlock.await();
            assumeTrue(
                    !result.errors().contains("apt"),
                    "skipped: no kernel by apt: " + result.errors());

            assertThat(result.exitCode()).as("%s", result).isZero();
            JsonNode report = JsonMapper.builder().build().readTree(result.output());
            List<String> guests = new ArrayList<>();
            for (JsonNode row : report.get("rows")) {
                if (row.get("load").asString().equals("4k-read-qd32")) {
                    guests.add(row.get("guest").asString());
                }
                assertThat(row.get("iops").asDouble()).as("%s", row).isPositive();
            }
            assertThat(guests)
                    .containsExactly(
                            "not isolated", "isolated", "QEMU virtio-scsi", "QEMU virtio-blk");
            JsonNode asleep = report.get("pickUp").get("asleep");
            assertThat(asleep.get("samples").asInt()).isPositive();
            assertThat(asleep.get("signalled").asInt()).isPositive();
            assertThat(asleep.get("medianNs").asDouble())
                    .isPositive()
                    .isLessThanOrEqualTo(asleep.get("p99Ns").asDouble());
        }
    }
}
