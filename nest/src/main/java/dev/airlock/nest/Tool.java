package dev.airlock.nest;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Programs of the machine that end by themselves: found on PATH, run, their output taken.
 * Stateless.
 */
final class Tool {
    /** Administrators' programs, which are not on every user's PATH. */
    private static final List<String> MORE_FOLDERS =
            List.of("/usr/local/sbin", "/usr/sbin", "/sbin");

    /** What to install for programs that may be missing. */
    private static final Map<String, String> PACKAGES =
            Map.of(
                    "qemu-system-x86_64", "qemu-system-x86",
                    "busybox", "busybox-static",
                    "setpriv", "util-linux",
                    "xz", "xz-utils",
                    "zstd", "zstd",
                    "debootstrap", "debootstrap",
                    "mkfs.ext4", "e2fsprogs");

    private Tool() {}

    /** The program's file, if the machine has it. */
    static Optional<Path> find(String name) {
        String path = System.getenv().getOrDefault("PATH", "/usr/bin:/bin");
        return Stream.concat(Stream.of(path.split(":")), MORE_FOLDERS.stream())
                .filter(folder -> folder.startsWith("/"))
                .map(folder -> Path.of(folder, name))
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst();
    }

    /** The program's file. */
    static Path require(String name) throws NestException {
        return find(name)
                .orElseThrow(() ->
                        new NestException(
                                name
                                        + " is missing: install it (Debian/Ubuntu: apt-get install "
                                        + PACKAGES.getOrDefault(name, name)
                                        + ")"));
    }

    /**
     * Runs a command to its end in a folder.
     *
     * @return what it printed
     * @throws NestException when it exits with anything but 0; carries the last line it said
     */
    static String run(Path folder, List<String> command) throws IOException {
        Process process = start(folder, command, true);
        byte[] output = process.getInputStream().readAllBytes();
        String text = new String(output, StandardCharsets.UTF_8);
        int code = await(process);
        if (code != 0) {
            String said = text.strip();
            throw new NestException(
                    command.getFirst()
                            + " failed with exit code "
                            + code
                            + ": "
                            + said.substring(said.lastIndexOf('\n') + 1));
        }
        return text;
    }

    /** Runs a filter over a file: its standard output goes to the stream. */
    static void copyOutput(List<String> command, OutputStream to) throws IOException {
        Process process = start(Path.of("/"), command, false);
        process.getInputStream().transferTo(to);
        int code = await(process);
        if (code != 0) {
            throw new NestException(String.join(" ", command) + " failed with exit code " + code);
        }
    }

    private static Process start(Path folder, List<String> command, boolean takeErrors)
            throws IOException {
        if (!command.getFirst().startsWith("/")) {
            require(command.getFirst());
        }
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        if (takeErrors) {
            builder.redirectErrorStream(true);
        } else {
            builder.redirectError(ProcessBuilder.Redirect.DISCARD);
        }
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().merge("PATH", ":" + String.join(":", MORE_FOLDERS), String::concat);
        return builder.start();
    }

    private static int await(Process process) throws NestException {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new NestException("interrupted", e);
        }
    }
}
