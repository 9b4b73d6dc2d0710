package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.airlock.nest.DebianKernel;
import dev.airlock.nest.Initramfs;
import dev.airlock.nest.LinuxKernel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code airlock boot --nested}: an isolated Linux guest on storvsc, on any machine. */
class NestedBootTest {
    /** Only keeps a broken program from hanging the tests: a busy machine takes minutes. */
    private static final long PATIENCE_MINUTES = 10;

    /** Up is a guest that listens to the shutdown service, by the instance it has everywhere. */
    private static final String WAIT_TO_BE_ASKED =
            """
            until grep -qx 3 /sys/bus/vmbus/devices/b6650ff7-33bc-4840-8048-e0676786f393/state; do usleep 100000; done
            sleep 2
            echo "is up"
            while sleep 1; do :; done
            """;

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
                    .contains("airlock-demo: swiotlb/io_tlb_used:0 after it")
                    .contains("airlock-demo: PASSED")
                    .contains("0 touched by the host while private")
                    .contains("0 refused for a page not visible");
            shouldTellTheBoundary(JsonMapper.builder().build().readTree(Files.readString(report)));
        }
    }

    @Test
    void shouldHaveTheGuestSwitchItselfOffAtASignal() throws Exception {
        LinuxKernel kernel = NestRig.kernel(DebianKernel.STABLE);
        Path initramfs = folder.resolve("guest.cpio");
        new Initramfs(kernel)
                .modules("hv_vmbus", "hv_storvsc", "sd_mod", "hv_utils")
                .script(BootScripts.AT_SHUTDOWN + WAIT_TO_BE_ASKED)
                .write(initramfs);
        Path console = folder.resolve("console");
        Path report = folder.resolve("report.json");
        ProcessBuilder builder =
                new ProcessBuilder(
                        AirlockProcess.home().resolve("airlock").toString(),
                        "boot",
                        "--nested",
                        "--kernel",
                        kernel.image().toString(),
                        "--initrd",
                        initramfs.toString(),
                        "--memory",
                        "512M",
                        "--disk",
                        "mem:16M",
                        "--report",
                        report.toString());
        try (AirlockProcess airlock =
                AirlockProcess.start(builder.redirectOutput(console.toFile()))) {
            while (!Files.readString(console).contains("is up")) {
                assertThat(airlock.process().isAlive()).as(airlock.errors()).isTrue();
                Thread.sleep(100);
            }
            airlock.process().toHandle().destroy();

            assertThat(airlock.process().waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)).isTrue();
            assertThat(airlock.process().exitValue()).as(airlock.errors()).isZero();
        }
        assertThat(Files.readString(console)).contains("is asked");
        JsonNode told = JsonMapper.builder().build().readTree(Files.readString(report));
        assertThat(told.get("outcome").asString()).isEqualTo("POWER_OFF");
    }

    private static void shouldTellTheBoundary(JsonNode report) {
        assertThat(report.get("outcome").asString()).isEqualTo("POWER_OFF");
        assertThat(report.get("isolated").asBoolean()).isTrue();
        assertThat(report.get("privatePagesTouchedByHost").asInt()).isZero();
        // The bounce pool is one run: 64 MiB, or less in a small guest.
        long pool = report.get("swiotlb").get("mebibytes").asLong();
        assertThat(report.get("pagesVisibleLongestRun").asLong())
                .isGreaterThanOrEqualTo(pool << 20 >> 12);
        assertThat(report.get("swiotlb").get("used").asInt()).isZero();
        assertThat(report.get("swiotlb").get("usedMost").asInt()).isNotNegative();
        JsonNode series = report.get("visibleOverTime");
        assertThat(series.get(0).get("visible").asLong()).isZero();
        assertThat(series.get(series.size() - 1).get("visible").asLong())
                .isEqualTo(report.get("pagesVisible").asLong());
        long commands = 0;
        long writesOf4K = 0;
        for (JsonNode row : report.get("srbs")) {
            commands += row.get("count").asLong();
            if (row.get("name").asString().equals("WRITE(10)")) {
                writesOf4K += row.get("bySizeUpTo").get("4K").asLong();
            }
        }
        assertThat(commands).isEqualTo(report.get("commands").asLong());
        assertThat(writesOf4K).isGreaterThanOrEqualTo(256);
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
