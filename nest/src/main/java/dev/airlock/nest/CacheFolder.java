package dev.airlock.nest;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What was fetched or built once and is kept for the user: {@code $XDG_CACHE_HOME/airlock}, else
 * {@code ~/.cache/airlock}. An entry appears whole or not at all, by a rename. Several processes
 * may use it at once; whoever makes something holds the folder's lock, so that it is made once.
 */
public final class CacheFolder {
    /** A process's locks on a file do not exclude its own threads from each other. */
    private static final ReentrantLock THREADS = new ReentrantLock();

    private final Path root;

    /** The cache in a folder of the caller's choice, which is made when it is needed. */
    public CacheFolder(Path root) {
        this.root = root.toAbsolutePath();
    }

    /** The user's. */
    public static CacheFolder ofUser() {
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path base =
                xdg != null && xdg.startsWith("/")
                        ? Path.of(xdg)
                        : Path.of(System.getProperty("user.home"), ".cache");
        return new CacheFolder(base.resolve("airlock"));
    }

    /** A name in the cache; whether it is there is for the caller to see. */
    Path path(String name) {
        return root.resolve(name);
    }

    /**
     * Makes what an entry holds.
     *
     * @see #locked
     */
    @FunctionalInterface
    interface Making<T> {
        /** Called with the lock held. */
        T make() throws IOException;
    }

    /** Does something while no other user of the cache does. */
    <T> T locked(Making<T> making) throws IOException {
        THREADS.lock();
        try {
            Files.createDirectories(root);
            try (FileChannel file =
                            FileChannel.open(
                                    root.resolve("lock"),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE);
                    FileLock lock = file.lock()) {
                assert lock.isValid();
                return making.make();
            }
        } finally {
            THREADS.unlock();
        }
    }

    /** An empty folder beside the entries, for one that is being made. */
    Path scratch() throws IOException {
        Files.createDirectories(root);
        return Files.createTempDirectory(root, "making-");
    }

    /** Gives a finished file or folder its name; what had it is replaced. */
    void publish(Path finished, Path name) throws IOException {
        Files.createDirectories(name.getParent());
        if (Files.isDirectory(name)) {
            delete(name);
        }
        Files.move(finished, name, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Gives a symbolic link its name, also in the place of another one. */
    void publishLink(Path link, Path name) throws IOException {
        Files.move(link, name, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Removes a folder with all in it; does not follow links. */
    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Files.walkFileTree(
                folder,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(Path each, IOException failure)
                            throws IOException {
                        if (failure != null) {
                            throw failure;
                        }
                        Files.delete(each);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
