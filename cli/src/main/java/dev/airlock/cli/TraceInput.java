package dev.airlock.cli;

import dev.airlock.lab.trace.DecodedEvent;
import dev.airlock.lab.trace.TraceDecoder;
import dev.airlock.lab.trace.TraceEvent;
import dev.airlock.lab.trace.TraceException;
import dev.airlock.lab.trace.TraceReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Predicate;

/**
 * A recording that a user named, decoded event by event. What cannot be decoded is named on stderr,
 * with its line, and passed over. For one thread.
 */
final class TraceInput {
    /** The name of standard input. */
    static final String STDIN = "-";

    /** Undecodable lines named one by one; a file that is no recording has many. */
    private static final int MAX_REPORTS = 100;

    private final String file;
    private final PrintWriter out;
    private final PrintWriter err;
    private long undecodable;

    /**
     * @param file its path, or {@link #STDIN}
     * @param out flushed before a complaint, so that both are in order
     * @param err gets complaints
     */
    TraceInput(String file, PrintWriter out, PrintWriter err) {
        this.file = file;
        this.out = out;
        this.err = err;
    }

    /**
     * Decodes all of it.
     *
     * @param consumer gets each event; false ends it
     * @return whether every event could be decoded
     * @throws CommandFailure if it cannot be opened or read
     */
    boolean decode(Predicate<DecodedEvent> consumer) {
        try (TraceReader reader = new TraceReader(open())) {
            if (!decodeAll(reader, consumer)) {
                report(": holds no events");
            }
        } catch (IOException e) {
            throw CommandFailure.failed(name() + ": cannot be read: " + e.getMessage());
        }
        if (undecodable > MAX_REPORTS) {
            report(": %d more lines could not be decoded".formatted(undecodable - MAX_REPORTS));
        }
        return undecodable == 0;
    }

    /** What to call it in a message. */
    String name() {
        return file.equals(STDIN) ? "stdin" : file;
    }

    /** False if there was no event. */
    private boolean decodeAll(TraceReader reader, Predicate<DecodedEvent> consumer)
            throws IOException {
        TraceDecoder decoder = new TraceDecoder();
        boolean some = false;
        while (true) {
            try {
                TraceEvent event = reader.next();
                if (event == null) {
                    return some;
                }
                some = true;
                if (!consumer.test(decoder.decode(event))) {
                    return true;
                }
            } catch (TraceException e) {
                some = true;
                if (++undecodable <= MAX_REPORTS) {
                    out.flush();
                    report(":%d: %s".formatted(e.line(), e.reason()));
                }
            }
        }
    }

    private InputStream open() {
        if (file.equals(STDIN)) {
            return System.in;
        }
        try {
            Path path = Path.of(file);
            if (!Files.exists(path)) {
                throw CommandFailure.usage(file + ": no such file");
            }
            if (Files.isDirectory(path)) {
                throw CommandFailure.usage(file + ": is a directory, not a recording");
            }
            return Files.newInputStream(path);
        } catch (AccessDeniedException e) {
            throw CommandFailure.usage(file + ": permission denied");
        } catch (IOException | InvalidPathException e) {
            throw CommandFailure.usage(file + ": cannot be opened: " + e.getMessage());
        }
    }

    private void report(String what) {
        err.println("airlock: " + name() + what);
        err.flush();
    }
}
