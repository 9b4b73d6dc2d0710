package dev.airlock.linux;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the kernel says about one thread of this process, from {@code /proc/self/task/TID/status}.
 *
 * @param tid thread number
 * @param fields the file's lines by name
 */
record ThreadStatus(String tid, Map<String, String> fields) {
    private static final List<String> HELD_CAPABILITIES = List.of("CapPrm", "CapEff", "CapAmb");

    /** All threads that exist now. */
    static List<ThreadStatus> all() throws IOException {
        List<ThreadStatus> all = new ArrayList<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path task : tasks) {
                try {
                    all.add(read(task));
                } catch (NoSuchFileException e) {
                    // The thread has ended since the directory was listed.
                    continue;
                } catch (IOException e) {
                    if (Files.exists(task)) {
                        throw e;
                    }
                }
            }
        }
        return all;
    }

    boolean hasCapabilities() {
        return HELD_CAPABILITIES.stream().anyMatch(set -> !field(set).matches("0+"));
    }

    /** Whether one of real, effective, saved and file system uid is root's. */
    boolean isRoot() {
        return List.of(field("Uid").split("\\s+")).contains("0");
    }

    boolean hasNoNewPrivileges() {
        return "1".equals(field("NoNewPrivs"));
    }

    private String field(String name) {
        String value = fields.get(name);
        if (value == null) {
            throw new IllegalStateException(
                    "the kernel does not tell " + name + " of thread=" + tid);
        }
        return value;
    }

    private static ThreadStatus read(Path task) throws IOException {
        Map<String, String> fields = new HashMap<>();
        for (String line : Files.readAllLines(task.resolve("status"))) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
        }
        return new ThreadStatus(String.valueOf(task.getFileName()), fields);
    }
}
