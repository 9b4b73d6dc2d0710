package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code airlock host} and the disk-* commands. */
class HostTest {
    @TempDir private Path folder;

    private Path disk(String name) throws Exception {
        Path file = folder.resolve(name);
        try (var raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(16 << 20);
        }
        return file;
    }

    private Path socket() {
        return folder.resolve("host.sock");
    }

    private Path control() {
        return folder.resolve("control.sock");
    }

    @Test
    void shouldServeUntilSigtermAndLeaveNothing() throws Exception {
        try (var host = AirlockProcess.start("host", "--socket", socket(), disk("a.raw"))) {
            assertThat(host.awaitErrorLine("ready ")).isEqualTo("ready " + socket());
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
                    .isEqualTo("rw-------");
            var run =
                    AirlockProcess.run(
                            "run", "--host", socket(), "--seconds", "0.3", "--overwrite", "0");
            assertThat(run.exitCode()).as(run.errors()).isZero();
            host.terminate();
            assertThat(host.await().exitCode()).as(host.errors()).isZero();
        }
        assertThat(socket()).doesNotExist();
        try (var all = Files.list(folder)) {
            assertThat(all).containsExactly(folder.resolve("a.raw"));
        }
    }

    @Test
    void shouldReplaceAStaleSocketAndRefuseABusyOne() throws Exception {
        try (var killed = AirlockProcess.start("host", "--socket", socket(), "mem:1M")) {
            killed.awaitErrorLine("ready ");
            killed.kill();
            killed.process().waitFor();
        }
        try (var host = AirlockProcess.start("host", "--socket", socket(), "mem:1M")) {
            host.awaitErrorLine("ready ");
            var second = AirlockProcess.run("host", "--socket", socket(), "mem:1M");
            assertThat(second.exitCode()).isEqualTo(2);
            assertThat(second.errors().lines().count()).isEqualTo(1);
            assertThat(second.errors()).contains(socket().toString());
            assertThat(socket()).exists();
        }
    }

    @Test
    void shouldRefuseAnImageThatAnotherHostWrites() throws Exception {
        Path image = disk("locked.raw");
        try (var host = AirlockProcess.start("host", "--socket", socket(), image)) {
            host.awaitErrorLine("ready ");
            Path other = folder.resolve("other.sock");
            var second = AirlockProcess.run("host", "--socket", other, image);
            assertThat(second.exitCode()).isEqualTo(2);
            assertThat(second.errors()).contains("locked.raw");
            assertThat(second.errors().lines().count()).as(second.errors()).isEqualTo(1);
            assertThat(other).doesNotExist();
        }
    }

    @Test
    void shouldRefuseAnImageOfAKnownFormatAsRaw() throws Exception {
        Path image = disk("disk.vhdx");
        try (var raw = new RandomAccessFile(image.toFile(), "rw")) {
            raw.write("vhdxfile".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        }
        var refused = AirlockProcess.run("host", "--socket", socket(), image);
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.errors()).containsIgnoringCase("vhdx").contains("raw:");
    }

    @Test
    void shouldAddAndRemoveDisksWhileItRuns() throws Exception {
        Path added = disk("added.raw");
        try (var host =
                AirlockProcess.start(
                        "host",
                        "--socket",
                        socket(),
                        "--control",
                        control(),
                        "mem:8M,name=first")) {
            host.awaitErrorLine("ready ");
            var add =
                    AirlockProcess.run("disk-add", "--control", control(), added + ",name=second");
            assertThat(add.exitCode()).as(add.errors()).isZero();
            assertThat(add.output()).isEqualTo("added second as LUN 1\n");

            var list = AirlockProcess.run("disk-list", "--control", control(), "--json");
            JsonNode disks = new JsonMapper().readTree(list.output()).get("disks");
            assertThat(disks.size()).isEqualTo(2);
            assertThat(disks.get(1).get("name").asString()).isEqualTo("second");
            assertThat(disks.get(1).get("sizeBytes").asLong()).isEqualTo(16 << 20);

            var run =
                    AirlockProcess.run(
                            "run", "--host", socket(), "--overwrite", "1", "--seconds", "0.3");
            assertThat(run.exitCode()).as(run.errors()).isZero();

            var twice =
                    AirlockProcess.run("disk-add", "--control", control(), "mem:1M,name=second");
            assertThat(twice.exitCode()).isEqualTo(2);

            var remove = AirlockProcess.run("disk-remove", "--control", control(), "second");
            assertThat(remove.exitCode()).as(remove.errors()).isZero();
            assertThat(AirlockProcess.run("disk-list", "--control", control()).output())
                    .contains("first")
                    .doesNotContain("second");
            var missing = AirlockProcess.run("disk-remove", "--control", control(), "second");
            assertThat(missing.exitCode()).isNotZero();
            assertThat(missing.errors()).contains("second");
        }
    }

    @Test
    void shouldOnlyReadAHostsDiskUnlessToldToOverwriteIt() throws Exception {
        Path image = disk("precious.raw");
        byte[] content = Files.readAllBytes(image);
        try (var host = AirlockProcess.start("host", "--socket", socket(), image)) {
            host.awaitErrorLine("ready ");
            var run = AirlockProcess.run("run", "--host", socket(), "--seconds", "0.3");
            assertThat(run.exitCode()).as(run.errors()).isZero();
            assertThat(Files.readAllBytes(image)).isEqualTo(content);
            var written =
                    AirlockProcess.run(
                            "run", "--host", socket(), "--seconds", "0.3", "--overwrite", "0");
            assertThat(written.exitCode()).as(written.errors()).isZero();
            assertThat(Files.readAllBytes(image)).isNotEqualTo(content);
        }
    }

    @Test
    void shouldServeSeveralGuestsAtOnce() throws Exception {
        try (var host = AirlockProcess.start("host", "--socket", socket(), disk("s.raw") + ",ro")) {
            host.awaitErrorLine("ready ");
            try (var first =
                            AirlockProcess.start(
                                    "run",
                                    "--host",
                                    socket(),
                                    "--seconds",
                                    "2",
                                    "--isolation",
                                    "forced");
                    var second =
                            AirlockProcess.start(
                                    "run",
                                    "--host",
                                    socket(),
                                    "--seconds",
                                    "2",
                                    "--isolation",
                                    "none")) {
                assertThat(first.await().exitCode()).as(first.errors()).isZero();
                assertThat(second.await().exitCode()).as(second.errors()).isZero();
            }
        }
    }
}
