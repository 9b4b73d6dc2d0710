package dev.airlock.storvsp.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A child process that removes the host's socket paths when the host ends, however it ends: a host
 * that has given up root can no longer remove what root created.
 *
 * <p>The child is a shell that waits for the end of its standard input, a pipe from us that closes
 * with this process, even when it is killed. It then removes each path that is still the same file.
 * It holds no other descriptor of ours, no directory, and ignores the signals of a terminal.
 */
final class SocketJanitor implements AutoCloseable {
    /** Arguments: path and inode number, again and again. Only commands that every Linux has. */
    private static final String SCRIPT =
            """
            trap '' HUP INT QUIT TERM PIPE
            while read -r line; do :; done
            while [ $# -ge 2 ]; do
                if [ "$(stat -c %d:%i -- "$1")" = "$2" ]; then rm -f -- "$1"; fi
                shift 2
            done
            """;

    private static final long END_TIMEOUT_S = 5;

    private final Process process;

    private SocketJanitor(Process process) {
        this.process = process;
    }

    /**
     * Starts it, with the rights that this process has now.
     *
     * @param paths sockets that exist
     */
    static SocketJanitor start(List<Path> paths) throws IOException {
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", SCRIPT, "airlock-janitor"));
        for (Path path : paths) {
            command.add(path.toAbsolutePath().toString());
            command.add(identity(path));
        }
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.directory(Path.of("/").toFile());
        builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.redirectError(ProcessBuilder.Redirect.DISCARD);
        return new SocketJanitor(builder.start());
    }

    /** Has the paths removed now and waits for that. */
    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            if (!process.waitFor(END_TIMEOUT_S, TimeUnit.SECONDS)) {
                throw new IOException("janitor does not end: pid=" + process.pid());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Device and inode as {@code stat -c %d:%i} prints them. */
    private static String identity(Path path) throws IOException {
        long device = ((Number) Files.getAttribute(path, "unix:dev")).longValue();
        long inode = ((Number) Files.getAttribute(path, "unix:ino")).longValue();
        return device + ":" + inode;
    }
}
