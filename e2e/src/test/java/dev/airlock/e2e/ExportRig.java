package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** One {@code airlock export} and the programs that people use as its clients. */
final class ExportRig implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 100;

    final AirlockProcess export;
    final Path folder;

    private ExportRig(Path folder, AirlockProcess export) {
        this.folder = folder;
        this.export = export;
    }

    /** Starts the server on {@code nbd.sock} in the folder, and waits until it is ready. */
    static ExportRig start(Path folder, Object... arguments) throws Exception {
        List<Object> all = new ArrayList<>(List.of("export", "--socket", folder + "/nbd.sock"));
        all.addAll(List.of(arguments));
        AirlockProcess export = AirlockProcess.start(all.toArray());
        export.awaitErrorLine("ready ");
        return new ExportRig(folder, export);
    }

    /** A sparse file. */
    static Path image(Path folder, String name, long bytes) throws Exception {
        Path file = folder.resolve(name);
        try (var raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(bytes);
        }
        return file;
    }

    /** The default export's URI. */
    String uri() {
        return "nbd+unix:///?socket=" + folder + "/nbd.sock";
    }

    /** What a client said, both outputs together. */
    record Said(int exitCode, String text) {}

    /**
     * Runs a shell script with the URI in {@code $U}; skips the test when its first word is
     * missing.
     */
    Said run(String script) throws Exception {
        return run(folder, uri(), script);
    }

    static Said run(Path folder, String uri, String script) throws Exception {
        requireTool(script.strip().split("\\s+")[0]);
        ProcessBuilder builder =
                new ProcessBuilder("timeout", "-k", "5", "90", "bash", "-e", "-c", script)
                        .directory(folder.toFile())
                        .redirectErrorStream(true);
        builder.environment().put("U", uri);
        // Debian's python has the modules of Debian's packages, another one has not.
        builder.environment().put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        Process process = builder.start();
        process.getOutputStream().close();
        CompletableFuture<String> text =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return new String(
                                        process.getInputStream().readAllBytes(),
                                        StandardCharsets.UTF_8);
                            } catch (java.io.IOException e) {
                                throw new java.io.UncheckedIOException(e);
                            }
                        },
                        AirlockProcess::startThread);
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        return new Said(process.exitValue(), text.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
    }

    /** Runs a script that must succeed; returns what it said. */
    String succeed(String script) throws Exception {
        Said said = run(script);
        assertThat(said.exitCode()).as("%s: %s; %s", script, said.text(), export.errors()).isZero();
        return said.text();
    }

    static void requireTool(String tool) {
        boolean found = false;
        for (String place : List.of("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")) {
            found |= Files.isExecutable(Path.of(place + tool));
        }
        assumeTrue(found, () -> tool + " is not installed");
    }

    /** The host process that the export has started. */
    ProcessHandle host() {
        return export.process()
                .toHandle()
                .descendants()
                .filter(child -> child.info().commandLine().orElse("").contains(" host "))
                .findFirst()
                .orElseThrow();
    }

    /** SIGTERM; the exit code must be 0. */
    void end() throws Exception {
        export.terminate();
        assertThat(export.await().exitCode()).as(export.errors()).isZero();
        assertThat(folder.resolve("nbd.sock")).doesNotExist();
    }

    @Override
    public void close() {
        export.close();
    }
}
