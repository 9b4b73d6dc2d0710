package dev.airlock.cli;

import dev.airlock.lab.trace.DecodedEvent;
import dev.airlock.lab.trace.Direction;
import dev.airlock.lab.trace.EventFilter;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
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
                    + " with the next, and the exit code is 1.",
            "--from, --type and --opcode select events; what is given twice, or with commas, is either."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every event was decoded",
            "1:an event could not be decoded, or an I/O failure",
            "2:usage, or the file cannot be opened",
        })
final class TraceDecodeCommand implements Callable<Integer> {

    /** Who sent an event, as users name them. */
    enum Sender {
        guest,
        host
    }

    @Parameters(
            paramLabel = "FILE",
            description = {
                "Recording, or - for stdin. Lines: ctl-guest>host HEX, ctl-host>guest HEX,",
                "gpadl pages=N visible=M, guest>host visible=V/T HEX, host>guest HEX;",
                "blank lines and those that begin with # are passed over."
            })
    private String file = TraceInput.STDIN;

    @Option(
            names = "--json",
            description = "One JSON object an event, with every field, among them all PFNs.")
    private boolean json;

    @Option(names = "--from", paramLabel = "guest|host", description = "Only what this side sent.")
    private @Nullable Sender from;

    @Option(
            names = "--type",
            split = ",",
            paramLabel = "NAME",
            description = {
                "Only control, packet or gpadl events, a control message (OPEN_CHANNEL), a packet type"
                        + " (COMPLETION), or a vstor operation with its completions (EXECUTE_SRB)."
            })
    private List<String> types = new ArrayList<>();

    @Option(
            names = "--opcode",
            split = ",",
            paramLabel = "COMMAND",
            description =
                    "Only SRBs of this SCSI command, with their completions: READ(10), READ for all lengths, or 0x28.")
    private List<String> opcodes = new ArrayList<>();

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    @Override
    public Integer call() {
        EventFilter filter = filter();
        PrintWriter out = spec.commandLine().getOut();
        TraceInput input = new TraceInput(file, out, spec.commandLine().getErr());
        JsonMapper mapper = json ? JsonMapper.builder().build() : null;
        boolean whole =
                input.decode(event -> {
                    if (filter.passes(event)) {
                        out.println(
                                mapper == null
                                        ? event.text()
                                        : mapper.writeValueAsString(object(event)));
                    }
                    return goesOn(out);
                });
        return whole ? CommandLine.ExitCode.OK : Main.EXIT_FAILED;
    }

    private EventFilter filter() {
        try {
            Direction direction =
                    from == null
                            ? null
                            : from == Sender.guest
                                    ? Direction.GUEST_TO_HOST
                                    : Direction.HOST_TO_GUEST;
            return EventFilter.of(direction, types, opcodes);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.usage(e.getMessage());
        }
    }

    private static boolean goesOn(PrintWriter out) {
        if (!StandardOutput.hasFailed(out)) {
            return true;
        }
        if (StandardOutput.readerHasGone()) {
            return false;
        }
        throw CommandFailure.failed("the output cannot be written: is the disk full?");
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
