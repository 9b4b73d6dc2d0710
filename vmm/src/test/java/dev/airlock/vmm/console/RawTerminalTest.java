package dev.airlock.vmm.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
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
    private BufferedReader terminal;
    private Path device;

    @BeforeEach
    void makeTerminal() throws Exception {
        makeTerminal("cat >/dev/null");
    }

    /** A terminal of the test's own, and a command on it: script(1) lives on its other end. */
    private void makeTerminal(String command) throws IOException {
        script = new ProcessBuilder("script", "-q", "-c", "tty; " + command, "/dev/null").start();
        terminal = script.inputReader();
        device = Path.of(terminal.readLine().strip());
    }

    @AfterEach
    void endTerminal() throws InterruptedException {
        // Its terminal goes with it, and by that the shell on it.
        script.toHandle().destroyForcibly();
        script.waitFor();
    }

    @Test
    void shouldMakeATerminalRawUntilClosed() throws Exception {
        String before = stty(device, "-g");
        assertThat(stty(device, "-a")).containsPattern("\\sisig").containsPattern("\\sicanon");
        try (RawTerminal raw = RawTerminal.open(device).orElseThrow()) {
            assertThat(raw).isNotNull();
            assertRaw();
        }

        assertThat(stty(device, "-g")).isEqualTo(before);
    }

    /** The owner is a job of a shell, which takes the terminal back as soon as it is killed. */
    @Test
    void shouldPutTheTerminalBackWhenItsOwnerIsKilled() throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String job =
                "%s -XX:TieredStopAtLevel=1 -cp target/classes:target/test-classes '%s'"
                        .formatted(java, Owner.class.getName().replace("$", "\\$"));
        endTerminal();
        makeTerminal("exec bash -m -c \"stty -g; " + job + "; cat >/dev/null\"");
        String unchanged = terminal.readLine().strip();

        long owner = Long.parseLong(terminal.readLine().strip());
        assertRaw();
        List<ProcessHandle> janitor = ProcessHandle.of(owner).orElseThrow().children().toList();
        assertThat(janitor).hasSize(1);
        ProcessHandle.of(owner).orElseThrow().destroyForcibly();
        janitor.getFirst().onExit().join();

        assertThat(stty(device, "-g").strip()).isEqualTo(unchanged);
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

    /** A process that has its terminal raw until it is killed, and tells its id. */
    static final class Owner {

        private Owner() {}

        public static void main(String[] arguments) throws Exception {
            try (RawTerminal raw = RawTerminal.ofStandardInput().orElseThrow()) {
                System.out.println(raw == null ? "" : ProcessHandle.current().pid());
                Thread.currentThread().join();
            }
        }
    }
}
