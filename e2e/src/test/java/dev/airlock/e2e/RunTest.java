package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code airlock run}, as a stranger would use it. */
class RunTest {
    private static final Path TMP = Path.of("/tmp");

    @TempDir private Path folder;
    private Set<Path> scratchBefore = new HashSet<>();

    @BeforeEach
    void noteScratchFolders() throws Exception {
        scratchBefore = scratchFolders();
    }

    @Test
    void shouldVerifyBothGuestsOnADemoDiskAndTellWhatItCost() throws Exception {
        var result = AirlockProcess.run("run", "--seconds", "1", "--json");
        assertThat(result.exitCode()).as(result.errors()).isZero();
        JsonNode report = new JsonMapper().readTree(result.output());
        assertThat(report.get("firstIoMs").asLong()).isPositive();
        assertThat(report.get("modes").size()).isEqualTo(2);
        JsonNode forced = report.get("modes").get(0);
        JsonNode none = report.get("modes").get(1);
        assertThat(forced.get("isolation").asString()).isEqualTo("forced");
        assertThat(none.get("isolation").asString()).isEqualTo("none");
        for (JsonNode mode : report.get("modes")) {
            assertThat(mode.get("ios").asLong()).isPositive();
            assertThat(mode.get("seconds").asDouble()).isPositive();
            assertThat(mode.get("iops").asDouble()).isPositive();
            assertThat(mode.get("mbPerSecond").asDouble()).isPositive();
            assertThat(mode.get("mappingNsPerIo").asDouble()).isPositive();
            assertThat(mode.get("latencyUs").get("p50").asDouble()).isPositive();
            assertThat(mode.get("latencyUs").get("p99").asDouble())
                    .isLessThanOrEqualTo(mode.get("latencyUs").get("p999").asDouble());
            assertThat(mode.get("slotsInUse").asLong()).isZero();
            assertThat(mode.get("slotsQuarantined").asLong()).isZero();
            assertThat(mode.get("wrongBytes").asLong()).isZero();
        }
        assertThat(forced.get("bytesBounced").asLong()).isPositive();
        assertThat(none.get("bytesBounced").asLong())
                .as("a guest that is not isolated copies nothing")
                .isZero();
        assertThat(forced.get("privatePages").asLong()).isPositive();
        assertThat(none.get("privatePages").asLong()).isZero();
        assertNothingLeft();
    }

    @Test
    void shouldPrintATableWithoutJson() throws Exception {
        var result = AirlockProcess.run("run", "--seconds", "0.3", "--isolation", "forced");
        assertThat(result.exitCode()).as(result.errors()).isZero();
        assertThat(result.output())
                .contains("wrong bytes")
                .contains("isolated")
                .doesNotContain("not isolated");
        assertThat(result.errors()).as("no bar where there is no terminal").doesNotContain("%");
    }

    @Test
    void shouldLeaveAnImageAsItWas() throws Exception {
        Path image = folder.resolve("with, comma.img");
        byte[] content = new byte[8 << 20];
        new Random(7).nextBytes(content);
        Files.write(image, content);
        var modified = Files.getLastModifiedTime(image);
        var result =
                AirlockProcess.run(
                        "run", image.toString().replace(",", ",,"), "--seconds", "0.5", "--json");
        assertThat(result.exitCode()).as(result.errors()).isZero();
        assertThat(Arrays.equals(Files.readAllBytes(image), content)).isTrue();
        assertThat(Files.getLastModifiedTime(image)).isEqualTo(modified);
        assertNothingLeft();
    }

    @Test
    void shouldExitWithOneWhenADiskReturnsWrongBytes() throws Exception {
        Path image = folder.resolve("changing.img");
        Files.write(image, new byte[1 << 20]);
        Path socket = folder.resolve("host.sock");
        try (var host = AirlockProcess.start("host", "--socket", socket, image + ",shared")) {
            host.awaitErrorLine("ready ");
            try (var run =
                    AirlockProcess.start(
                            "run", "--host", socket, "--seconds", "3", "--isolation", "forced")) {
                // The guest only reads; somebody else changes what lies on the disk, so it must
                // notice.
                byte[] junk = new byte[1 << 20];
                while (run.process().isAlive()) {
                    Arrays.fill(junk, (byte) (junk[0] + 1));
                    try (FileChannel file = FileChannel.open(image, StandardOpenOption.WRITE)) {
                        file.write(ByteBuffer.wrap(junk), 0);
                    }
                }
                var result = run.await();
                assertThat(result.exitCode()).isEqualTo(1);
                assertThat(result.errors()).contains("wrong data");
                assertThat(result.output()).contains("wrong bytes");
            }
        }
    }

    @Test
    void shouldRefuseWhatCannotBeRunWithOneLineAndExitTwo() throws Exception {
        for (String[] arguments :
                new String[][] {
                    {"run", folder.resolve("missing.img").toString()},
                    {"run", "null:1G"},
                    {"run", "--seconds", "0"},
                    {"run", "--isolation", "maybe"},
                    {"run", "--overwrite", "0"},
                    {"run", "--host", folder.resolve("no.sock").toString()},
                    {"run", "x.img,colour=red"},
                    {"run", "--no-such-option"},
                    {"walk"},
                    {}
                }) {
            var result = AirlockProcess.run((Object[]) arguments);
            assertThat(result.exitCode())
                    .as(Arrays.toString(arguments) + result.errors())
                    .isEqualTo(2);
            assertThat(result.errors()).startsWith("airlock: ");
            assertThat(result.errors().lines().filter(line -> !line.startsWith("Try: ")).count())
                    .as(result.errors())
                    .isEqualTo(1);
            assertThat(result.output()).isEmpty();
        }
        assertNothingLeft();
    }

    @Test
    void shouldEndCleanlyOnSigterm() throws Exception {
        try (var run = AirlockProcess.start("run", "--seconds", "60", "--isolation", "forced")) {
            // Its scratch folder holds the host's socket once the host is ready.
            while (scratchFolders().stream()
                    .filter(path -> !scratchBefore.contains(path))
                    .noneMatch(path -> Files.exists(path.resolve("host.sock")))) {
                assertThat(run.process().isAlive()).as(run.errors()).isTrue();
                Thread.onSpinWait();
            }
            run.terminate();
            var result = run.await();
            assertThat(result.exitCode()).as(result.errors()).isZero();
        }
        assertNothingLeft();
    }

    @Test
    void shouldExplainEveryCommand() throws Exception {
        for (String command :
                new String[] {
                    "run", "host", "disk-add", "disk-remove", "disk-list", "trace", "bench"
                }) {
            var result = AirlockProcess.run(command, "--help");
            assertThat(result.exitCode()).isZero();
            assertThat(result.output()).contains("Usage: airlock " + command);
        }
        assertThat(AirlockProcess.run("--help").output()).contains("run").contains("Exit codes");
    }

    private void assertNothingLeft() throws Exception {
        assertThat(scratchFolders()).isEqualTo(scratchBefore);
    }

    private static Set<Path> scratchFolders() throws Exception {
        try (Stream<Path> all = Files.list(TMP)) {
            return all.filter(path -> path.getFileName().toString().startsWith("airlock-"))
                    .collect(Collectors.toSet());
        }
    }
}
