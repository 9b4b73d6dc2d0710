package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code airlock boot --nested}: an isolated Linux guest on storvsc, on any machine. */
class NestedBootTest {
    /** Only keeps a broken program from hanging the tests: a busy machine takes minutes. */
    private static final long PATIENCE_MINUTES = 10;

    @TempDir Path folder;

    private static void need(String program) {
        assumeTrue(
                Stream.of("/usr/bin", "/bin", "/usr/sbin")
                        .anyMatch(place -> Files.isExecutable(Path.of(place, program))),
                "skipped: no " + program);
    }

    @Test
    void shouldShowAnIsolatedGuestsVerifiedIoAndBringTheReportBack() throws Exception {
        need("qemu-system-x86_64");
        need("busybox");
        Path report = folder.resolve("report.json");
        try (AirlockProcess airlock =
                AirlockProcess.start(
                        "boot", "--nested", "--demo", "--isolation", "vbs", "--report", report)) {
            assertThat(airlock.process().waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)).isTrue();
            AirlockProcess.Result result = airlock.await();
            assumeTrue(
                    !result.errors().contains("apt"),
                    "skipped: no kernel by apt: " + result.errors());

            assertThat(result.exitCode()).as("%s", result).isZero();
            assertThat(result.output())
                    .contains(
                            "airlock-demo: direct: 256 x 4096 bytes written, read back, and alike")
                    .contains("airlock-demo: swiotlb slots still in use: 0")
                    .contains("airlock-demo: PASSED")
                    .contains("0 refused for a page not visible");
            assertThat(report).content().contains("\"isolated\" : true", "POWER_OFF");
        }
    }

    @Test
    void shouldRefuseWhatCannotBeInside() throws Exception {
        AirlockProcess.Result result =
                AirlockProcess.run(
                        "boot", "--nested", "--kernel", "/dev/null", "--host", "/run/no.sock");

        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.errors()).contains("--host does not go with --nested");
    }

    @Test
    void shouldNotLetTheDemoWriteToADiskOfTheUsers() throws Exception {
        AirlockProcess.Result result = AirlockProcess.run("boot", "--demo", "--disk", "mem:64M");

        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.errors()).contains("--demo has an initrd and a disk of its own");
    }
}
