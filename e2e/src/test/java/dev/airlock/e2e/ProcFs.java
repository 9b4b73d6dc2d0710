package dev.airlock.e2e;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What /proc tells of another process. The reader has the rights to see it (root, or the same
 * user).
 */
final class ProcFs {
    private static final int CHUNK = 1 << 20;

    private final long pid;

    ProcFs(long pid) {
        this.pid = pid;
    }

    private Path path(String name) {
        return Path.of("/proc", Long.toString(pid), name);
    }

    /** One mapped range of the process. */
    record Range(long from, long to, String permissions, long inode, String name) {}

    List<Range> maps() throws IOException {
        List<Range> ranges = new ArrayList<>();
        for (String line : Files.readAllLines(path("maps"))) {
            String[] words = line.split(" +", 6);
            String[] bounds = words[0].split("-");
            ranges.add(
                    new Range(
                            Long.parseUnsignedLong(bounds[0], 16),
                            Long.parseUnsignedLong(bounds[1], 16),
                            words[1],
                            Long.parseLong(words[4]),
                            words.length > 5 ? words[5] : ""));
        }
        return ranges;
    }

    /** Descriptors and what they are. */
    Map<Integer, String> descriptors() throws IOException {
        Map<Integer, String> all = new TreeMap<>();
        try (Stream<Path> entries = Files.list(path("fd"))) {
            for (Path entry : entries.toList()) {
                try {
                    all.put(
                            Integer.parseInt(entry.getFileName().toString()),
                            Files.readSymbolicLink(entry).toString());
                } catch (java.nio.file.NoSuchFileException closedMeanwhile) {
                    // It was closed between the listing and the look.
                }
            }
        }
        return all;
    }

    /** The status of each of its threads, as fields by name. */
    List<Map<String, String>> threads() throws IOException {
        List<Map<String, String>> all = new ArrayList<>();
        try (Stream<Path> tasks = Files.list(path("task"))) {
            for (Path task : tasks.toList()) {
                Map<String, String> fields = new TreeMap<>();
                for (String line : Files.readAllLines(task.resolve("status"))) {
                    int colon = line.indexOf(':');
                    fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
                }
                all.add(fields);
            }
        }
        return all;
    }

    /** How often the bytes are found in all memory that can be read. */
    int count(byte[] needle) throws IOException {
        int found = 0;
        try (RandomAccessFile memory = new RandomAccessFile(path("mem").toFile(), "r")) {
            for (Range range : maps()) {
                if (range.permissions().charAt(0) == 'r' && !range.name().startsWith("[v")) {
                    found += count(memory, range.from(), range.to(), needle);
                }
            }
        }
        return found;
    }

    /** How often the bytes are found in memfds that are open, once for each descriptor. */
    int countInMemfds(byte[] needle) throws IOException {
        int found = 0;
        for (Map.Entry<Integer, String> descriptor : descriptors().entrySet()) {
            if (descriptor.getValue().startsWith("/memfd:")) {
                Path memfd = path("fd").resolve(descriptor.getKey().toString());
                try (RandomAccessFile file = new RandomAccessFile(memfd.toFile(), "r")) {
                    found += count(file, 0, file.length(), needle);
                }
            }
        }
        return found;
    }

    private static int count(RandomAccessFile file, long from, long to, byte[] needle)
            throws IOException {
        int found = 0;
        byte[] chunk = new byte[CHUNK + needle.length - 1];
        int[] skips = skips(needle);
        for (long at = from; at < to; at += CHUNK) {
            int length = (int) Math.min(chunk.length, to - at);
            try {
                file.seek(at);
                file.readFully(chunk, 0, length);
            } catch (IOException unreadable) {
                continue; // beyond a file's end, or unmapped meanwhile
            }
            found += count(chunk, length, needle, skips);
        }
        return found;
    }

    /** How far to go on when the last byte of what is compared is such a one (Horspool). */
    private static int[] skips(byte[] needle) {
        int[] skips = new int[1 << Byte.SIZE];
        Arrays.fill(skips, needle.length);
        for (int i = 0; i < needle.length - 1; i++) {
            skips[Byte.toUnsignedInt(needle[i])] = needle.length - 1 - i;
        }
        return skips;
    }

    private static int count(byte[] bytes, int length, byte[] needle, int[] skips) {
        int found = 0;
        int last = needle.length - 1;
        for (int at = 0; at + last < length; ) {
            if (Arrays.equals(bytes, at, at + needle.length, needle, 0, needle.length)) {
                found++;
            }
            at += skips[Byte.toUnsignedInt(bytes[at + last])];
        }
        return found;
    }
}
