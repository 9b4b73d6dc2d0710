package dev.airlock.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Gives up privileges in child processes. They run from one jar that is open by then, since an
 * unprivileged user may not be able to read the folder of the build.
 */
@Timeout(60)
class PrivilegesTest {
    @TempDir static Path directory;

    private static String classPath = "";

    @BeforeAll
    static void packClasses() throws IOException, URISyntaxException {
        Path jar = directory.resolve("child.jar");
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file)) {
            Set<URI> folders = new LinkedHashSet<>();
            folders.add(location(Privileges.class));
            folders.add(location(PrivilegesChild.class));
            for (URI folder : folders) {
                pack(folder, out);
            }
        }
        classPath = jar.toString();
    }

    @Test
    void shouldLoseEveryPrivilegeInEveryThread() throws Exception {
        Assumptions.assumeTrue(ProcessCalls.geteuid() == 0, "not started as root");
        Map<String, String> report = report(asUser("--groups=4,24"));

        assertThat(report).containsEntry("result", "dropped");
        assertThat(Integer.parseInt(report.get("threadCount"))).isGreaterThan(10);
        assertThat(report.get("Uid")).matches("([1-9]\\d*) \\1 \\1 \\1");
        assertThat(report.get("Gid")).isEqualTo(report.get("Uid"));
        assertThat(report).containsEntry("Groups", "").containsEntry("NoNewPrivs", "1");
        for (String set : List.of("CapPrm", "CapEff", "CapAmb")) {
            assertThat(report).containsEntry(set, "0000000000000000");
        }
        assertThat(report)
                .containsEntry("dumpable", "false")
                .containsEntry("threadAfterRuns", "true");
        assertThat(report)
                .containsEntry("setresuid0", "EPERM")
                .containsEntry("parentMemory", "EACCES")
                .containsEntry("parentDescriptors", "EACCES")
                .containsEntry("shadow", "EACCES")
                .containsEntry("adoptsEventFd", "true")
                .containsEntry("dropAgain", "dropped");
    }

    @Test
    void shouldFailWhenAThreadWouldKeepCapabilitiesOfAnOrdinaryUser() throws Exception {
        Assumptions.assumeTrue(ProcessCalls.geteuid() == 0, "not started as root");
        Path jar = Path.of(classPath);
        directory.toFile().setExecutable(true, false);
        jar.toFile().setReadable(true, false);

        Map<String, String> report =
                report(
                        asUser(
                                "--reuid=12345",
                                "--regid=12345",
                                "--clear-groups",
                                "--inh-caps=+net_raw",
                                "--ambient-caps=+net_raw"));

        assertThat(report.get("result")).contains("a thread keeps privileges").endsWith("EPERM");
    }

    @Test
    void shouldEndWithItsParentAlsoAfterChangingItsUser() throws Exception {
        Process starter = java("starter").start();
        long armed;
        try (var lines =
                new BufferedReader(
                        new InputStreamReader(starter.getInputStream(), StandardCharsets.UTF_8))) {
            String line = String.valueOf(lines.readLine());
            assertThat(line).matches("armed=\\d+ parent=" + starter.pid());
            armed = Long.parseLong(line.substring(6, line.indexOf(' ')));
            ProcessHandle orphan = ProcessHandle.of(armed).orElseThrow();
            starter.destroyForcibly();
            orphan.onExit().get(20, TimeUnit.SECONDS);
            assertThat(orphan.isAlive()).isFalse();
        } finally {
            starter.destroyForcibly();
        }
    }

    @Test
    void shouldTellWhoTheParentIs() {
        assertThat((long) Privileges.parentPid())
                .isEqualTo(ProcessHandle.current().parent().orElseThrow().pid());
    }

    private static ProcessBuilder asUser(String... setprivOptions) {
        List<String> command = new ArrayList<>();
        command.add("setpriv");
        command.addAll(List.of(setprivOptions));
        command.addAll(java("report", String.valueOf(ProcessHandle.current().pid())).command());
        return new ProcessBuilder(command).redirectErrorStream(true);
    }

    /** This very Java, running {@link PrivilegesChild}. */
    static ProcessBuilder java(String... arguments) {
        String path = classPath.isEmpty() ? System.getProperty("java.class.path", "") : classPath;
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home", ""), "bin", "java").toString());
        command.addAll(
                List.of(
                        "-Xshare:auto",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of("-cp", path, PrivilegesChild.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true);
    }

    private static Map<String, String> report(ProcessBuilder builder)
            throws IOException, InterruptedException {
        Process process = builder.start();
        Map<String, String> values = new TreeMap<>();
        StringBuilder all = new StringBuilder();
        try (var lines =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                all.append(line).append('\n');
                int equals = line.indexOf('=');
                if (equals > 0) {
                    values.put(line.substring(0, equals), line.substring(equals + 1));
                }
            }
        }
        assertThat(process.waitFor()).as("exit code; it said: %s", all).isZero();
        return values;
    }

    private static URI location(Class<?> type) throws URISyntaxException {
        String resource = type.getSimpleName() + ".class";
        String uri = String.valueOf(type.getResource(resource));
        return new URI(
                uri.substring(0, uri.length() - type.getName().length() - ".class".length()));
    }

    private static void pack(URI folder, JarOutputStream out) throws IOException {
        Path root = Path.of(folder);
        try (var files = Files.walk(root)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".class")).sorted().toList()) {
                String name = root.relativize(file).toString();
                if (!name.equals("module-info.class")) {
                    out.putNextEntry(new JarEntry(name));
                    Files.copy(file, out);
                    out.closeEntry();
                }
            }
        }
    }
}
