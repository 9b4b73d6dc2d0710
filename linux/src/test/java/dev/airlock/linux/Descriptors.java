package dev.airlock.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.TreeMap;

/** What the descriptors of this process are, for tests that look for leaks. */
final class Descriptors {
    private Descriptors() {}

    /** Number and target of each, less what the JVM itself opens now and then. */
    static TreeMap<Integer, String> open() throws IOException {
        TreeMap<Integer, String> open = new TreeMap<>();
        try (var entries = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path entry : entries) {
                try {
                    String target = Files.readSymbolicLink(entry).toString();
                    if (!isOfTheJvm(target)) {
                        open.put(Integer.valueOf(entry.getFileName().toString()), target);
                    }
                } catch (NoSuchFileException e) {
                    continue; // the directory's own, or one that another thread has closed
                }
            }
        }
        return open;
    }

    /** Jars to load classes from, and what the kernel tells about memory and processors. */
    private static boolean isOfTheJvm(String target) {
        return target.endsWith(".jar") || target.startsWith("/proc/") || target.startsWith("/sys/");
    }

    /**
     * Lets a race be won by either side: in even rounds waits until a call is in progress, in odd
     * ones does not wait.
     */
    static void spinUntilUsed(Fd fd, int round) {
        while (round % 2 == 0 && fd.users() == 0) {
            Thread.onSpinWait();
        }
    }

    static boolean isCloseOnExec(Fd fd) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd.raw()))) {
            if (line.startsWith("flags:")) {
                return (Integer.parseInt(line.substring(6).strip(), 8) & 0x80000) != 0;
            }
        }
        throw new AssertionError("no flags of " + fd);
    }
}
