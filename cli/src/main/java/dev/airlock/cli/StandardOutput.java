package dev.airlock.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/** What became of this process's standard output. */
final class StandardOutput {
    private StandardOutput() {}

    /**
     * Whether what was written to a command's output so far failed. picocli's writer ends in {@link
     * System#out}, which keeps failures to itself.
     */
    static boolean hasFailed(PrintWriter out) {
        return out.checkError() || System.out.checkError();
    }

    /**
     * Whether output that failed did so because nobody reads it any more, as behind {@code | head}:
     * the only way in which a pipe or a socket refuses data. Then there is nothing to complain of.
     */
    static boolean readerHasGone() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return target.startsWith("pipe:") || target.startsWith("socket:");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
