package dev.airlock.storvsp.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.airlock.disk.DiskSpec;
import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A host as a process of its own: what it may do once it runs, and what it leaves behind. */
@Timeout(60)
class HostProcessTest {
    @TempDir Path directory;
    private Path socket;
    private Path control;
    private Process process;
    private BufferedReader answers;
    private PrintWriter questions;

    @BeforeEach
    void start() throws IOException {
        socket = directory.resolve("host");
        control = directory.resolve("control");
        Path image = Files.write(directory.resolve("disk.img"), new byte[1 << 20]);
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp", classPath()));
        command.add(HostMain.class.getName());
        command.addAll(List.of(socket.toString(), control.toString(), image.toString()));
        process =
                new ProcessBuilder(command)
                        .redirectError(directory.resolve("stderr").toFile())
                        .start();
        answers = process.inputReader(UTF_8);
        questions = new PrintWriter(process.outputWriter(UTF_8), true);
        assertThat(answers.readLine())
                .as(Files.readString(directory.resolve("stderr")))
                .isEqualTo("ready");
    }

    @AfterEach
    void stop() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Test
    void shouldServeWithoutAnyRightAndReadNobodysMemory() throws IOException {
        long own = ProcessHandle.current().pid();
        try (SocketGuest guest = new SocketGuest(socket);
                ControlClient client = ControlClient.connect(control)) {
            guest.channel().sendTransfer(1, 0, true, 0, guest.allocate(4096), 4096);
            assertThat(guest.channel().receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
            // The host could not open this file; the client passes it open and locked.
            Path more = Files.write(directory.resolve("more.img"), new byte[1 << 20]);
            assertThat(client.addDisk(DiskSpec.parse(more.toString())).lun()).isEqualTo(1);
            assertThat(guest.channel().receive().operation())
                    .isEqualTo(VstorOperation.ENUMERATE_BUS);
            guest.channel().sendTransfer(2, 1, true, 0, guest.allocate(4096), 4096);
            assertThat(guest.channel().receive().scsiStatus()).isEqualTo(2);
            guest.channel().sendTransfer(3, 1, true, 0, guest.allocate(4096), 4096);
            assertThat(guest.channel().receive().srbStatus()).isEqualTo(SrbStatus.SUCCESS);
            assertThat(statusOfThreads("CapEff:")).containsOnly("0000000000000000");
            assertThat(statusOfThreads("CapPrm:")).containsOnly("0000000000000000");
            assertThat(statusOfThreads("NoNewPrivs:")).containsOnly("1");
            assumeTrue(isRoot(), "needs root: the host would run as the same user as this test");
            assertThat(statusOfThreads("Uid:")).noneMatch(ids -> ids.matches("(.*\\s)?0(\\s.*)?"));
            assertThat(statusOfThreads("Groups:")).containsOnly("");
            assertThat(ask("/proc/" + own + "/mem")).isEqualTo("denied");
            assertThat(ask("/proc/" + own + "/environ")).isEqualTo("denied");
            assertThat(ask(directory.resolve("disk.img").toString())).isEqualTo("denied");
        }
    }

    @Test
    void shouldLeaveNoSocketWhenItEnds() throws Exception {
        List<ProcessHandle> children = process.children().toList();
        questions.close();

        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        assertThat(socket).doesNotExist();
        assertThat(control).doesNotExist();
        assertThat(children).noneMatch(ProcessHandle::isAlive);
    }

    @Test
    void shouldLeaveNoSocketWhenItIsKilledAlthoughItGaveUpRoot() throws Exception {
        assumeTrue(isRoot(), "needs root: others remove the stale socket at the next start");
        List<ProcessHandle> children = process.children().toList();
        assertThat(children).hasSize(1);
        ProcessHandle janitor = children.getFirst();
        // It holds its three standard descriptors and its script's, nothing of ours.
        assertThat(descriptors(janitor.pid()))
                .noneMatch(target -> target.contains(directory.toString()))
                .noneMatch(target -> target.startsWith("socket:"))
                .noneMatch(target -> target.contains("eventfd"));
        process.destroyForcibly().waitFor();
        janitor.onExit().get(30, TimeUnit.SECONDS);

        assertThat(socket).doesNotExist();
        assertThat(control).doesNotExist();
    }

    private String ask(String path) throws IOException {
        questions.println(path);
        return answers.readLine();
    }

    private List<String> statusOfThreads(String field) throws IOException {
        List<String> values = new ArrayList<>();
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
            for (Path thread : threads.toList()) {
                try (Stream<String> lines = Files.lines(thread.resolve("status"))) {
                    lines.filter(line -> line.startsWith(field))
                            .forEach(line -> values.add(line.substring(field.length()).strip()));
                } catch (IOException ended) {
                    continue;
                }
            }
        }
        return values;
    }

    private static List<String> descriptors(long pid) throws IOException {
        List<String> targets = new ArrayList<>();
        try (Stream<Path> all = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            for (Path descriptor : all.toList()) {
                targets.add(Files.readSymbolicLink(descriptor).toString());
            }
        }
        return targets;
    }

    private static boolean isRoot() throws IOException {
        return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
    }

    /** Whatever this test runs with, whether by class path or by module path. */
    private static String classPath() {
        return String.join(
                File.pathSeparator,
                System.getProperty("java.class.path", ""),
                System.getProperty("jdk.module.path", ""),
                Path.of("target", "classes").toAbsolutePath().toString(),
                Path.of("target", "test-classes").toAbsolutePath().toString());
    }
}
