package dev.airlock.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The built program, without its sources, in a folder of its own under the place for temporary
 * files: made by root, with permissions to choose. Removed when closed.
 */
final class InstalledCopy implements AutoCloseable {
    private final Path folder;
    private final Path home;

    private InstalledCopy(Path folder) {
        this.folder = folder;
        home = folder.resolve("airlock");
    }

    /**
     * Copies the program and lets its launcher train the start-up cache there.
     *
     * @param permissions of the folder it is in, such as {@code rwx------}
     */
    static InstalledCopy make(String permissions) throws Exception {
        Path folder = Files.createTempDirectory("airlock-copy-");
        InstalledCopy copy = new InstalledCopy(folder);
        Path from = AirlockProcess.home();
        for (String part : List.of("airlock", "launch", "image/target/lib", "image/target/built")) {
            copyAll(from.resolve(part), copy.home.resolve(part));
        }
        // Newer than all that was copied, or the launcher wants to build it.
        Files.setLastModifiedTime(
                copy.home.resolve("image/target/built"), FileTime.from(Instant.now()));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(permissions));
        AirlockProcess.Result first = copy.run(List.of(), "--version");
        if (first.exitCode() != 0 || first.errors().contains("building")) {
            copy.close();
            throw new IllegalStateException("the copy does not start: " + first);
        }
        return copy;
    }

    /** Starts it under a command that is put before it, such as setpriv and its options. */
    AirlockProcess start(List<String> prefix, Object... arguments) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.add(home.resolve("airlock").toString());
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        return AirlockProcess.start(new ProcessBuilder(command).directory(Path.of("/").toFile()));
    }

    AirlockProcess.Result run(List<String> prefix, Object... arguments) throws Exception {
        try (AirlockProcess process = start(prefix, arguments)) {
            return process.await();
        }
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }

    private static void copyAll(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        try (Stream<Path> all = Files.walk(from)) {
            all.forEach(each -> {
                try {
                    Path target = to.resolve(from.relativize(each).toString());
                    if (Files.isDirectory(each)) {
                        Files.createDirectories(target);
                    } else {
                        Files.copy(each, target, StandardCopyOption.COPY_ATTRIBUTES);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
