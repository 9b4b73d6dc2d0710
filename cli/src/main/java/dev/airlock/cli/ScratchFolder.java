package dev.airlock.cli;

import dev.airlock.disk.ByteSize;
import dev.airlock.linux.Fd;
import dev.airlock.linux.FileIo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * A private folder (0700) for a run's sockets and demo disk; gone with everything in it when
 * closed. A process that is killed leaves its folder behind, and the next one of the same user
 * removes it: a lock on the file {@code owner} in it tells who is alive.
 */
final class ScratchFolder implements AutoCloseable {
    private static final String PREFIX = "airlock-";
    private static final String OWNER = "owner";

    private final Path path;

    /** Holds the lock. */
    private final Fd owner;

    private ScratchFolder(Path path, Fd owner) {
        this.path = path;
        this.owner = owner;
    }

    /** In the place for temporary files. */
    static ScratchFolder create() {
        return createIn(Path.of(System.getProperty("java.io.tmpdir")));
    }

    /** In a folder that exists. */
    static ScratchFolder createIn(Path parent) {
        try {
            Path folder =
                    Files.createTempDirectory(
                            parent,
                            PREFIX,
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rwx------")));
            Fd owner = own(folder);
            removeAbandoned(parent, Files.getOwner(folder));
            return new ScratchFolder(folder, owner);
        } catch (IOException e) {
            throw CommandFailure.usage("cannot make a folder in " + parent + ": " + e);
        }
    }

    /** The file gets its name with the lock held: without one the folder is nobody's to remove. */
    private static Fd own(Path folder) throws IOException {
        Path file = folder.resolve("owning");
        Files.createFile(file);
        Fd owner = FileIo.open(file, FileIo.O_RDWR);
        if (!FileIo.tryLockExclusive(owner)) {
            owner.close();
            throw new IOException("somebody else has locked " + file);
        }
        Files.move(file, folder.resolve(OWNER));
        return owner;
    }

    /** Removes folders of this user whose owner has died; leaves what it cannot. */
    private static void removeAbandoned(Path parent, UserPrincipal user) throws IOException {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(parent, PREFIX + "*")) {
            for (Path folder : folders) {
                Path file = folder.resolve(OWNER);
                boolean isOurs =
                        Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                                && Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).equals(user)
                                && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
                if (isOurs) {
                    removeIfAbandoned(folder, file);
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private static void removeIfAbandoned(Path folder, Path file) {
        try (Fd owner = FileIo.open(file, FileIo.O_RDWR)) {
            if (FileIo.tryLockExclusive(owner)) {
                remove(folder);
            }
        } catch (IOException removedByAnother) {
            // Or by itself, at its regular end; what is left of it is the next one's.
            return;
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
        try {
            remove(path);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove " + path, e);
        } finally {
            owner.close();
        }
    }

    /** The file that tells its owner goes last, so that what is left can be found again. */
    private static void remove(Path folder) throws IOException {
        Path owner = folder.resolve(OWNER);
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                if (!each.equals(folder) && !each.equals(owner)) {
                    Files.deleteIfExists(each);
                }
            }
        }
        Files.deleteIfExists(owner);
        Files.deleteIfExists(folder);
    }
}
