package dev.airlock.lab.trace;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The recordings in {@code ../shared/traces}; tests are skipped where there are none. */
final class Recordings {
    static final String NORMAL = "linux-6.1-storvsc-normal.txt";
    static final String ISOLATED = "linux-6.1-storvsc-isolated.txt";
    static final String VTOM = "linux-6.1-storvsc-isolated-vtom.txt";

    private Recordings() {}

    static List<Path> all() throws IOException {
        try (Stream<Path> files = Files.list(folder())) {
            return files.filter(file -> file.toString().endsWith(".txt")).sorted().toList();
        }
    }

    static Path file(String name) {
        Path file = folder().resolve(name);
        Assumptions.assumeTrue(Files.isReadable(file), "recording absent: " + name);
        return file;
    }

    static List<DecodedEvent> decode(Path file) throws IOException, TraceException {
        TraceDecoder decoder = new TraceDecoder();
        List<DecodedEvent> decoded = new ArrayList<>();
        for (TraceEvent event : TraceReader.readAll(file)) {
            decoded.add(decoder.decode(event));
        }
        return decoded;
    }

    private static Path folder() {
        // ../shared beside the project, or further up beside a worktree.
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            Path traces = up.resolve("shared/traces");
            if (Files.isDirectory(traces)) {
                return traces;
            }
        }
        return Assumptions.abort("no recordings: ../shared/traces is absent");
    }
}
