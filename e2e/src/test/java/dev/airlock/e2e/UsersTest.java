package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who may use the program, a host, and whose memory: ordinary users, each other, and root. */
class UsersTest {
    /** Two users that nobody else is. */
    private static final int ALICE = 63_101;

    private static final int BOB = 63_102;

    private Path folder = Path.of("");

    @BeforeEach
    void makeAFolderOfAlices() throws Exception {
        assumeTrue(
                "root".equals(System.getProperty("user.name")),
                "needs root: it acts as two other users");
        folder = Files.createTempDirectory("airlock-users-");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setAttribute(folder, "unix:uid", ALICE);
    }

    @AfterEach
    void removeIt() throws Exception {
        Files.deleteIfExists(folder.resolve("host.sock"));
        Files.deleteIfExists(folder);
    }

    private static List<String> as(int user) {
        String id = Integer.toString(user);
        return List.of("setpriv", "--reuid", id, "--regid", id, "--clear-groups");
    }

    @Test
    void programThatOnlyRootCanReadShouldWorkAfterTheHostGaveUpRoot() throws Exception {
        try (InstalledCopy copy = InstalledCopy.make("rwx------")) {
            AirlockProcess.Result run = copy.run(List.of(), "run", "--seconds", "0.5", "--json");
            assertThat(run.errors()).isEmpty();
            assertThat(run.exitCode()).isZero();
            try (AirlockProcess host =
                    copy.start(
                            List.of(),
                            "host",
                            "--socket",
                            folder.resolve("host.sock"),
                            "mem:64M")) {
                host.awaitErrorLine("ready ");
                run =
                        copy.run(
                                List.of(),
                                "run",
                                "--host",
                                folder.resolve("host.sock"),
                                "--overwrite",
                                "0",
                                "--seconds",
                                "0.5");
                assertThat(run.exitCode()).as(run.errors()).isZero();
                host.terminate();
                assertThat(host.await().exitCode()).as(host.errors()).isZero();
            }
        }
    }

    @Test
    void usersShouldHaveHostsOfTheirOwnAndNobodyElses() throws Exception {
        Path socket = folder.resolve("host.sock");
        String[] guest = {"run", "--host", socket.toString(), "--seconds", "0.3"};
        try (InstalledCopy copy = InstalledCopy.make("rwxr-xr-x");
                AirlockProcess host =
                        copy.start(as(ALICE), "host", "--socket", socket, "mem:64M")) {
            host.awaitErrorLine("ready ");
            assertThat(Files.getPosixFilePermissions(socket))
                    .isEqualTo(PosixFilePermissions.fromString("rw-------"));

            assertThat(copy.run(as(ALICE), (Object[]) guest).exitCode()).isZero();
            assertThat(copy.run(List.of(), (Object[]) guest).exitCode()).as("root").isZero();

            AirlockProcess.Result shut = copy.run(as(BOB), (Object[]) guest);
            assertThat(shut.exitCode()).isEqualTo(2);
            assertThat(shut.errors().lines()).hasSize(1);
            assertThat(shut.errors()).contains("cannot attach to the host").contains("EACCES");

            // Even where the file's permissions let everybody in.
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
            AirlockProcess.Result foreign = copy.run(as(BOB), (Object[]) guest);
            assertThat(foreign.exitCode()).isEqualTo(2);
            assertThat(foreign.errors().lines()).hasSize(1);
            host.awaitErrorLine("airlock: host: connection refused: uid=" + BOB);

            assertThat(copy.run(as(ALICE), (Object[]) guest).exitCode()).isZero();
            host.terminate();
            assertThat(host.await().exitCode()).as(host.errors()).isZero();
        }
    }

    @Test
    void hostOfTheSameOrdinaryUserShouldHaveNoWayToAnIsolatedGuestsMemory() throws Exception {
        try (InstalledCopy copy = InstalledCopy.make("rwxr-xr-x")) {
            for (String isolation : List.of("forced", "none")) {
                try (AirlockProcess run =
                        copy.start(as(ALICE), "run", "--isolation", isolation, "--seconds", "60")) {
                    long host = hostOf(run);
                    for (var thread : new ProcFs(host).threads()) {
                        assertThat(thread.get("Uid").split("\\s+")).containsOnly("" + ALICE);
                        assertThat(thread.get("CapEff")).matches("0+");
                        assertThat(thread.get("NoNewPrivs")).isEqualTo("1");
                    }
                    String memory = "exec 3</proc/%d/mem && echo opened".formatted(run.pid());
                    String opened = output(as(ALICE), "sh", "-c", memory);
                    if (isolation.equals("forced")) {
                        assertThat(opened).contains("Permission denied");
                        assertThat(
                                        output(
                                                as(ALICE),
                                                "strace",
                                                "-o",
                                                "/dev/null",
                                                "-p",
                                                Long.toString(run.pid())))
                                .contains("Operation not permitted");
                    } else {
                        assertThat(opened)
                                .as("the control: no isolation asked for")
                                .contains("opened");
                    }
                    run.terminate();
                    assertThat(run.await().exitCode()).as(run.errors()).isZero();
                }
            }
        }
    }

    /** The host process of a run, once it has given up its rights: when it has a guest. */
    private static long hostOf(AirlockProcess run) throws Exception {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (System.nanoTime() - deadline < 0) {
            for (ProcessHandle child : run.process().children().toList()) {
                // Others are the launcher's, and short.
                if (child.info().commandLine().orElse("").contains("--with-parent")
                        && new ProcFs(child.pid())
                                .maps().stream()
                                        .anyMatch(range -> range.name().contains("memfd:"))) {
                    return child.pid();
                }
            }
            Thread.onSpinWait();
        }
        throw new AssertionError("the run has no host: " + run.errors());
    }

    private static String output(List<String> prefix, String... words) throws Exception {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }
}
