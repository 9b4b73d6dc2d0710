package dev.airlock.cli;

import dev.airlock.disk.ByteSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * A private folder (0700) for a run's sockets and demo disk; gone with everything in it when
 * closed.
 */
final class ScratchFolder implements AutoCloseable {
    private final Path path;

    private ScratchFolder(Path path) {
        this.path = path;
    }

    /** In the place for temporary files. */
    static ScratchFolder create() {
        return createIn(Path.of(System.getProperty("java.io.tmpdir")));
    }

    /** In a folder that exists. */
    static ScratchFolder createIn(Path parent) {
        try {
            return new ScratchFolder(
                    Files.createTempDirectory(
                            parent,
                            "airlock-",
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rwx------"))));
        } catch (IOException e) {
            throw CommandFailure.usage("cannot make a folder in " + parent + ": " + e);
        }
    }

    Path path(String name) {
        return path.resolve(name);
    }

    /**
     * Makes a sparse file of the size and returns its path as a DISK; commas of the path are
     * written twice.
     */
    String file(String name, String size) throws IOException {
        Path file = path(name);
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), ByteSize.parse(size) - 1);
        }
        return file.toString().replace(",", ",,");
    }

    @Override
    public void close() {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> all = Files.walk(path)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove " + path, e);
        }
    }
}
