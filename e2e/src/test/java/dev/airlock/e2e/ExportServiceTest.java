package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How {@code airlock export} begins, ends, listens and complains. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ExportServiceTest {
    @TempDir private Path folder;

    @Test
    void shouldRunACommandWithTheUriAndEndWithItsExitCode() throws Exception {
        ExportRig.requireTool("nbdinfo");
        var good = AirlockProcess.run("export", "--run", "nbdinfo --size \"$uri\"", "mem:3M");
        assertThat(good.exitCode()).as(good.errors()).isZero();
        assertThat(good.output().strip()).isEqualTo("3145728");
        var tcp =
                AirlockProcess.run(
                        "export",
                        "--tcp",
                        "0",
                        "--run",
                        "nbdinfo --size \"$uri\"; exit 7",
                        "mem:3M");
        assertThat(tcp.exitCode()).as(tcp.errors()).isEqualTo(7);
        assertThat(tcp.output().strip()).isEqualTo("3145728");
        assertThat(tcp.errors()).contains("ready 127.0.0.1:");
    }

    @Test
    void shouldEndOnceTheLastClientHasLeft() throws Exception {
        try (var rig = ExportRig.start(folder, "--once", "mem:1M")) {
            rig.succeed("qemu-io -f raw -c 'read 0 512' \"$U\"");
            assertThat(rig.export.await().exitCode()).as(rig.export.errors()).isZero();
            assertThat(folder.resolve("nbd.sock")).doesNotExist();
        }
    }

    @Test
    void shouldServeOnTheSocketsThatSystemdHasOpened() throws Exception {
        ExportRig.requireTool("nbdinfo");
        ExportRig.requireTool("python3");
        Path socket = folder.resolve("activated.sock");
        // What systemd does: a listening socket as descriptor 3, the variables, then exec.
        String activate =
                """
                import os, socket, sys
                s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(5)
                if s.fileno() != 3:
                    os.dup2(s.fileno(), 3)
                os.set_inheritable(3, True)
                os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
                os.execv(sys.argv[2], [sys.argv[2], "export", "mem:1M"])
                """;
        var builder =
                new ProcessBuilder(
                        "python3",
                        "-c",
                        activate,
                        socket.toString(),
                        AirlockProcess.home().resolve("airlock").toString());
        try (var export = AirlockProcess.start(builder)) {
            assertThat(export.awaitErrorLine("ready ")).isEqualTo("ready fd 3");
            var said =
                    ExportRig.run(folder, "nbd+unix:///?socket=" + socket, "nbdinfo --size \"$U\"");
            assertThat(said.text().strip()).isEqualTo("1048576");
            export.terminate();
            assertThat(export.await().exitCode()).isZero();
        }
    }

    @Test
    void shouldServeDisksOfARunningHost() throws Exception {
        Path host = folder.resolve("host.sock");
        try (var running = AirlockProcess.start("host", "--socket", host, "mem:2M,name=theirs")) {
            running.awaitErrorLine("ready ");
            try (var rig = ExportRig.start(folder, "--host", host)) {
                assertThat(rig.succeed("nbdinfo --list \"$U\"")).contains("export=\"theirs\"");
                rig.succeed("qemu-io -f raw -c 'write -P 1 5 5000' -c 'read -P 1 5 5000' \"$U\"");
                rig.end();
            }
        }
    }

    @Test
    void shouldTellStatisticsAsJson() throws Exception {
        var stats =
                AirlockProcess.run(
                        "export",
                        "--stats",
                        "--json",
                        "--run",
                        "qemu-io -f raw -c 'write -P 1 0 4M' \"$uri\" > /dev/null",
                        "mem:8M");
        assertThat(stats.exitCode()).as(stats.errors()).isZero();
        List<JsonNode> lines =
                stats.output().lines().map(line -> JsonMapper.shared().readTree(line)).toList();
        assertThat(lines).isNotEmpty();
        double written = 0;
        for (JsonNode line : lines) {
            written += line.get("writeMBps").asDouble();
            assertThat(line.has("p99us") && line.has("queue") && line.has("bouncedMBps")).isTrue();
        }
        assertThat(written).isPositive();
    }

    @Test
    void shouldSayInOneLineWhatIsWrong() throws Exception {
        Path image = ExportRig.image(folder, "a.img", 1 << 20);
        for (Object[] arguments :
                new Object[][] {
                    {"export"},
                    {"export", image},
                    {"export", "--socket", folder.resolve("s"), folder.resolve("missing.img")},
                    {"export", "--socket", folder.resolve("s"), "--host", folder.resolve("no")},
                    {"export", "--tcp", "localhost:99999", image},
                    {"export", "--socket", folder.resolve("s"), "--tcp", "1", image},
                    {"export", "--socket", folder.resolve("s"), "--connections", "0", image},
                }) {
            var result = AirlockProcess.run(arguments);
            assertThat(result.exitCode()).as(result.errors()).isEqualTo(2);
            assertThat(result.errors().lines().filter(line -> line.startsWith("airlock: ")))
                    .hasSize(1);
        }
        try (var left = Files.list(folder)) {
            assertThat(left).containsExactly(image);
        }
    }
}
