package dev.airlock.vmm.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RawTerminalTest {

    private Process script;
    private Path device;
    private String before;

    /** A terminal of the test's own: script(1) lives on the other end of it. */
    @BeforeEach
    @SuppressWarnings("resource") // the reader ends with the process
    void makeTerminal() throws Exception {
        script =
                new ProcessBuilder("script", "-q", "-c", "tty; cat >/dev/null", "/dev/null")
                        .start();
        device = Path.of(script.inputReader().readLine().strip());
        before = stty(device, "-g");
        assertThat(stty(device, "-a")).containsPattern("\\sisig").containsPattern("\\sicanon");
    }

    @AfterEach
    void endTerminal() throws InterruptedException {
        // Its terminal goes with it, and by that the shell on it.
        script.toHandle().destroyForcibly();
        script.waitFor();
    }

    @Test
    void shouldMakeATerminalRawUntilClosed() throws Exception {
        try (RawTerminal terminal = RawTerminal.open(device).orElseThrow()) {
            assertThat(terminal).isNotNull();
            assertRaw();
        }

        assertThat(stty(device, "-g")).isEqualTo(before);
    }

    @Test
    void shouldPutTheTerminalBackWhenItsOwnerIsKilled() throws Exception {
        Process owner =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                String.join(
                                        File.pathSeparator,
                                        "target/classes",
                                        "target/test-classes"),
                                Owner.class.getName(),
                                device.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (BufferedReader said = owner.inputReader()) {
            assertThat(said.readLine()).isEqualTo("open");
            assertRaw();
            List<ProcessHandle> janitor = owner.children().toList();
            assertThat(janitor).hasSize(1);

            owner.toHandle().destroyForcibly();
            janitor.getFirst().onExit().join();
        }

        assertThat(stty(device, "-g")).isEqualTo(before);
    }

    @Test
    void shouldLeaveAloneWhatIsNoTerminal(@TempDir Path folder) throws IOException {
        Path file = Files.createFile(folder.resolve("file"));

        assertThat(RawTerminal.open(file)).isEmpty();
        assertThat(RawTerminal.open(Path.of("/dev/null"))).isEmpty();
    }

    private void assertRaw() throws Exception {
        assertThat(stty(device, "-a"))
                .contains("-icanon", "-isig", "-echo ", "-opost", "-ixon", "-icrnl");
    }

    private static String stty(Path device, String option)
            throws IOException, InterruptedException {
        Process stty =
                new ProcessBuilder("stty", "-F", device.toString(), option)
                        .redirectErrorStream(true)
                        .start();
        String said = new String(stty.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(stty.waitFor()).as(said).isZero();
        return said;
    }

    /** A process that has a terminal raw until it is killed. */
    static final class Owner {

        private Owner() {}

        public static void main(String[] arguments) throws Exception {
            try (RawTerminal terminal = RawTerminal.open(Path.of(arguments[0])).orElseThrow()) {
                System.out.println(terminal != null ? "open" : "none");
                Thread.currentThread().join();
            }
        }
    }
}
