package dev.airlock.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.locks.LockSupport;

/**
 * The name of a listening socket in the file system. The socket is bound to a neighbouring name and
 * renamed when it listens, so that whoever sees the path can connect. Two processes that replace
 * the same stale socket are kept apart by a lock on the directory, which leaves nothing behind.
 */
final class ListeningPath {
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;
    private static final int LOCK_TRIES = 200;

    private final Path path;
    private final FileStat identity;

    private ListeningPath(Path path, FileStat identity) {
        this.path = path;
        this.identity = identity;
    }

    static ListeningPath listen(Fd socket, Path path, int mode, int backlog) throws LinuxException {
        Path absolute = path.toAbsolutePath();
        Path directory = absolute.getParent();
        if (directory == null) {
            throw new LinuxException("listen", "path=" + path, Errno.EISDIR);
        }
        Path temporary =
                directory.resolve(
                        "." + ProcessHandle.current().pid() + "-" + socket.raw() + ".tmp");
        try (Fd lock = FileIo.open(directory, FileIo.O_RDONLY | FileIo.O_DIRECTORY)) {
            requireConnectable(path);
            lock(lock);
            requireFree(path);
            // By way of the directory's descriptor, since this name may be longer than a socket
            // address can be.
            Path nearby = Path.of("/proc/self/fd/" + lock.raw()).resolve(temporary.getFileName());
            bind(socket, nearby, mode, backlog);
            try {
                FileStat identity = stat(temporary);
                Files.move(
                        temporary,
                        absolute,
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
                return new ListeningPath(absolute, identity);
            } catch (LinuxException e) {
                throw e;
            } catch (IOException e) {
                throw (LinuxException)
                        new LinuxException("rename", "path=" + path, Errno.EIO).initCause(e);
            } finally {
                Files.deleteIfExists(temporary);
            }
        } catch (LinuxException e) {
            throw e;
        } catch (IOException e) {
            throw (LinuxException)
                    new LinuxException("unlink", "path=" + temporary, Errno.EIO).initCause(e);
        }
    }

    /** Removes the name if it is still this socket's. */
    void remove() {
        try {
            if (stat(path).isSameFile(identity)) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            // Gone already, or no longer ours to remove (after a change of user): nothing is left
            // to do.
            return;
        }
    }

    private static void requireConnectable(Path path) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            SocketAddress.of(arena, path);
        }
    }

    private static void requireFree(Path path) throws LinuxException {
        FileStat there;
        try {
            there = stat(path);
        } catch (LinuxException e) {
            if (e.errno() == Errno.ENOENT) {
                return;
            }
            throw e;
        }
        if (there.type() != FileStat.Type.SOCKET) {
            throw new LinuxException(
                    "listen", "path exists and is not a socket: path=" + path, Errno.EEXIST);
        }
        try (Fd probe = RawSocket.nonBlocking(path.toString())) {
            int result = RawSocket.connect(probe, path);
            if (result != -Errno.ECONNREFUSED && result != -Errno.ENOENT) {
                throw new LinuxException(
                        "listen", "somebody listens there: path=" + path, Errno.EADDRINUSE);
            }
        }
    }

    private static void bind(Fd socket, Path name, int mode, int backlog) throws LinuxException {
        int raw = socket.acquire();
        try (Arena arena = Arena.ofConfined()) {
            // The name gets the mode of the socket's own inode (less the umask), so it is never
            // wider than asked.
            check(SocketCalls.fchmod(raw, mode), "fchmod", name);
            check(SocketCalls.bind(raw, SocketAddress.of(arena, name)), "bind", name);
            int result = SocketCalls.listen(raw, backlog);
            if (result < 0) {
                Files.deleteIfExists(name);
                check(result, "listen", name);
            }
        } catch (LinuxException e) {
            throw e;
        } catch (IOException e) {
            throw (LinuxException)
                    new LinuxException("unlink", "path=" + name, Errno.EIO).initCause(e);
        } finally {
            socket.release();
        }
    }

    /** Best effort for a second: a stranger may hold a lock on a public directory for ever. */
    private static void lock(Fd directory) {
        int raw = directory.acquire();
        try {
            for (int i = 0; i < LOCK_TRIES && FileCalls.flock(raw, LOCK_EX | LOCK_NB) < 0; i++) {
                LockSupport.parkNanos(5_000_000);
            }
        } finally {
            directory.release();
        }
    }

    private static FileStat stat(Path path) throws LinuxException {
        try (Fd fd = FileIo.open(path, FileIo.O_PATH | FileIo.O_NOFOLLOW)) {
            return FileIo.stat(fd);
        }
    }

    private static void check(int result, String call, Path path) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, "path=" + path, -result);
        }
    }
}
