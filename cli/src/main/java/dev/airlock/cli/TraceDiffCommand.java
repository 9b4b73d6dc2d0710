package dev.airlock.cli;

import dev.airlock.lab.trace.TraceDifference;
import dev.airlock.lab.trace.TraceDifference.Part;
import dev.airlock.lab.trace.TraceDifference.Row;
import dev.airlock.lab.trace.TraceProfile;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;

/** {@code airlock trace diff}: what one recording shows that another does not. */
@Command(
        name = "diff",
        description = {
            "Compares two recordings: control messages and their order, GPADLs, vstor operations, SRBs by command and"
                    + " size, the largest ones, the offset of blocks in their first page, visible pages, results.",
            "Numbers that every run chooses anew are left out: ids, handles, PFNs, the order of SRBs,"
                    + " and where the kernel's buffers for other commands than reads and writes lie."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:no difference",
            "1:differences, or an event could not be decoded",
            "2:usage, or a file cannot be opened",
        })
final class TraceDiffCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "A", description = "Recording, or - for stdin.")
    private String a = "";

    @Parameters(index = "1", paramLabel = "B", description = "Recording to compare it with.")
    private String b = "";

    @Option(names = "--json", description = "One JSON object.")
    private boolean json;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    private boolean whole = true;

    @Override
    public Integer call() {
        if (a.equals(TraceInput.STDIN) && b.equals(TraceInput.STDIN)) {
            throw CommandFailure.usage("only one of the two recordings can be standard input");
        }
        TraceDifference difference = TraceDifference.of(profile(a), profile(b));
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(JsonMapper.builder().build().writeValueAsString(object(difference)));
        } else {
            print(difference, out);
        }
        out.flush();
        return difference.same() && whole ? CommandLine.ExitCode.OK : Main.EXIT_FAILED;
    }

    private TraceProfile profile(String file) {
        TraceProfile profile = new TraceProfile();
        TraceInput input =
                new TraceInput(file, spec.commandLine().getOut(), spec.commandLine().getErr());
        whole &=
                input.decode(event -> {
                    profile.add(event);
                    return true;
                });
        return profile;
    }

    private void print(TraceDifference difference, PrintWriter out) {
        out.println("A " + a);
        out.println("B " + b);
        for (Part part : difference.sections()) {
            if (part.same()) {
                out.printf(Locale.ROOT, "%n%s: the same%n", part.section().text());
                continue;
            }
            out.printf(
                    Locale.ROOT,
                    "%n%s: %d of %d differ%n",
                    part.section().text(),
                    part.rows().size(),
                    part.compared());
            table(part.rows(), out);
        }
    }

    /** Numbers in columns; text, which is longer, in lines. */
    private static void table(List<Row> rows, PrintWriter out) {
        if (rows.getFirst().a() instanceof String) {
            for (Row row : rows) {
                out.printf("  %s%n    A %s%n    B %s%n", row.what(), row.a(), row.b());
            }
            return;
        }
        int width = rows.stream().mapToInt(row -> row.what().length()).max().orElse(0);
        String format = "  %-" + width + "s %10s %10s%n";
        out.printf(format, "", "A", "B");
        for (Row row : rows) {
            out.printf(format, row.what(), row.a(), row.b());
        }
    }

    private Map<String, Object> object(TraceDifference difference) {
        List<Object> sections = new ArrayList<>();
        for (Part part : difference.sections()) {
            List<Object> rows = new ArrayList<>();
            for (Row row : part.rows()) {
                Map<String, Object> object = new LinkedHashMap<>();
                object.put("what", row.what());
                object.put("a", row.a());
                object.put("b", row.b());
                rows.add(object);
            }
            Map<String, Object> section = new LinkedHashMap<>();
            section.put("section", part.section().text());
            section.put("same", part.same());
            section.put("compared", part.compared());
            section.put("differences", rows);
            sections.add(section);
        }
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("a", a);
        object.put("b", b);
        object.put("same", difference.same());
        object.put("sections", sections);
        return object;
    }
}
