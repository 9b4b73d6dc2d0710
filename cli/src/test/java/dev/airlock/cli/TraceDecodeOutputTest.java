package dev.airlock.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Output that cannot be written, with the program as a process of its own. */
@Timeout(60)
class TraceDecodeOutputTest {
    /** Far more text than a pipe holds. */
    private static final int EVENTS = 20_000;

    @TempDir private Path folder;

    @Test
    void shouldEndQuietlyWhenNobodyReadsAnyMore() throws Exception {
        Process process = new ProcessBuilder(command()).start();
        process.getInputStream().close();
        String complaint = new String(process.getErrorStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).isZero();
        assertThat(complaint).isEmpty();
    }

    @Test
    void shouldSayWhenTheOutputCannotBeWritten() throws Exception {
        Path full = Path.of("/dev/full");
        Assumptions.assumeTrue(Files.isWritable(full), "/dev/full absent");
        Process process = new ProcessBuilder(command()).redirectOutput(full.toFile()).start();
        String complaint = new String(process.getErrorStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).isEqualTo(1);
        assertThat(complaint.lines())
                .containsExactly("airlock: the output cannot be written: is the disk full?");
    }

    private List<String> command() throws IOException {
        Path file = folder.resolve("trace.txt");
        // The last line fails the command, if it gets there.
        Files.writeString(
                file, "ctl-guest>host 0300000000000000\n".repeat(EVENTS) + "not reached\n");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.add("-Xmx64m");
        String modules = System.getProperty("jdk.module.path");
        if (modules != null) {
            command.addAll(
                    List.of(
                            "--module-path",
                            modules,
                            "-m",
                            "dev.airlock.cli/" + Main.class.getName()));
        } else {
            command.addAll(
                    List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        }
        command.addAll(List.of("trace", "decode", file.toString()));
        return command;
    }
}
