package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code airlock bench mapping} says before it measures anything. */
class BenchMappingCommandTest {
    @TempDir private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return Main.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments);
    }

    @Test
    void shouldNameEveryOptionInItsHelp() {
        assertThat(run("bench", "mapping", "--help")).isZero();
        assertThat(out.toString())
                .contains("--rounds", "--quick", "--write", "--json", "--csv", "--html")
                .contains("dma_map_page", "dma_map_sg");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void shouldRefuseWhatCannotBeInOneLine() {
        assertRefused("--rounds must be 1 to 1000", "--rounds", "0");
        assertRefused("--rounds must be 1 to 1000", "--rounds", "1001");
        assertRefused("--json and --csv - both want stdout", "--json", "--csv", "-");
        String missing = folder.resolve("no/such.html").toString();
        assertRefused("--html: cannot write " + missing, "--html", missing);
        assertRefused("--csv: cannot write " + folder, "--csv", folder.toString());
    }

    private void assertRefused(String why, String... options) {
        err.getBuffer().setLength(0);
        String[] arguments = new String[options.length + 2];
        arguments[0] = "bench";
        arguments[1] = "mapping";
        System.arraycopy(options, 0, arguments, 2, options.length);
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(err.toString().lines().toList()).singleElement().asString().contains(why);
    }
}
