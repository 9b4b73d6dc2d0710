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
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;

/** {@code airlock trace decode}: one readable line an event. */
@Command(
        name = "decode",
        description = {
            "Prints one readable line an event of a recording: control messages, GPADLs, ring packets.",
            "A line that cannot be decoded is named on stderr, with its number and the reason; decoding goes on"
                    + " with the next, and the exit code is 1."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every event was decoded",
            "1:an event could not be decoded, or an I/O failure",
            "2:usage, or the file cannot be opened",
        })
final class TraceDecodeCommand implements Callable<Integer> {
    private static final String STDIN = "-";

    /** Undecodable lines named one by one; a file that is no recording has many. */
    private static final int MAX_REPORTS = 100;

    @Parameters(
            paramLabel = "FILE",
            description = {
                "Recording, or - for stdin. Lines: ctl-guest>host HEX, ctl-host>guest HEX,",
                "gpadl pages=N visible=M, guest>host visible=V/T HEX, host>guest HEX;",
                "blank lines and those that begin with # are passed over."
            })
    private String file = STDIN;

    @Option(
            names = "--json",
            description = "One JSON object an event, with every field, among them all PFNs.")
    private boolean json;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    private long undecodable;

    @Override
    public Integer call() throws IOException {
        try (TraceReader reader = new TraceReader(open())) {
            decodeAll(reader);
        }
        if (undecodable > MAX_REPORTS) {
            report(": %d more lines could not be decoded".formatted(undecodable - MAX_REPORTS));
        }
        return undecodable == 0 ? CommandLine.ExitCode.OK : Main.EXIT_FAILED;
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

    private void decodeAll(TraceReader reader) {
        PrintWriter out = spec.commandLine().getOut();
        TraceDecoder decoder = new TraceDecoder();
        JsonMapper mapper = json ? JsonMapper.builder().build() : null;
        boolean empty = true;
        while (true) {
            try {
                TraceEvent event = reader.next();
                if (event == null) {
                    break;
                }
                empty = false;
                DecodedEvent decoded = decoder.decode(event);
                out.println(
                        mapper == null
                                ? decoded.text()
                                : mapper.writeValueAsString(object(decoded)));
            } catch (TraceException e) {
                empty = false;
                if (++undecodable <= MAX_REPORTS) {
                    out.flush();
                    report(":%d: %s".formatted(e.line(), e.reason()));
                }
            } catch (IOException e) {
                throw CommandFailure.failed(name() + ": cannot be read: " + e.getMessage());
            }
            if (StandardOutput.hasFailed(out)) {
                if (StandardOutput.readerHasGone()) {
                    return;
                }
                throw CommandFailure.failed("the output cannot be written: is the disk full?");
            }
        }
        if (empty) {
            report(": holds no events");
        }
    }

    private void report(String what) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("airlock: " + name() + what);
        err.flush();
    }

    private String name() {
        return file.equals(STDIN) ? "stdin" : file;
    }

    private static Map<String, Object> object(DecodedEvent event) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("line", event.line());
        if (event.direction() != null) {
            object.put("direction", event.direction().toString());
        }
        object.put("kind", event.kind());
        if (event.name() != null) {
            object.put("name", event.name());
        }
        for (DecodedEvent.Field field : event.fields()) {
            if (field.shown() != DecodedEvent.Shown.PROSE) {
                object.put(field.name(), field.value());
            }
        }
        return object;
    }
}
