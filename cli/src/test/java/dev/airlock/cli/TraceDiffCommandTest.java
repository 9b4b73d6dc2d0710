package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TraceDiffCommandTest {
    private static final String OFFERS = "ctl-guest>host 0300000000000000\n";

    @TempDir private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void shouldExitWithZeroWhenNothingDiffers() throws IOException {
        String a = recording("a", OFFERS + "gpadl pages=2 visible=2\n");
        String b = recording("b", "# again\n" + OFFERS + "gpadl pages=2 visible=2\n");

        assertThat(run("trace", "diff", a, b)).isZero();

        assertThat(out.toString().lines())
                .startsWith("A " + a, "B " + b, "", "control messages: the same")
                .contains("GPADLs: the same", "SRB results: the same");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void shouldShowDifferencesAndExitWithOne() throws IOException {
        String a = recording("a", OFFERS + "gpadl pages=64 visible=0\n");
        String b = recording("b", OFFERS + OFFERS + "gpadl pages=64 visible=64\n");

        assertThat(run("trace", "diff", a, b)).isEqualTo(1);

        assertThat(out.toString())
                .contains(
                        """
                        control messages: 1 of 1 differ
                                                             A          B
                          guest>host REQUEST_OFFERS          1          2
                        """,
                        """
                        GPADLs: 1 of 1 differ
                          number 1
                            A 64 pages, 0 visible
                            B 64 pages, 64 visible
                        """);
    }

    @Test
    void shouldSayItInJson() throws IOException {
        String a = recording("a", "gpadl pages=64 visible=0\n");
        String b = recording("b", "gpadl pages=64 visible=64\n");

        assertThat(run("trace", "diff", "--json", a, b)).isEqualTo(1);

        JsonNode object = JsonMapper.shared().readTree(out.toString());
        assertThat(object.get("a").stringValue()).isEqualTo(a);
        assertThat(object.get("same").booleanValue()).isFalse();
        JsonNode gpadls = object.get("sections").get(2);
        assertThat(gpadls.toString())
                .isEqualTo(
                        "{\"section\":\"GPADLs\",\"same\":false,\"compared\":1,\"differences\":"
                                + "[{\"what\":\"number 1\",\"a\":\"64 pages, 0 visible\","
                                + "\"b\":\"64 pages, 64 visible\"}]}");
        JsonNode pages = object.get("sections").get(7);
        assertThat(pages.get("differences").get(0).get("b").longValue()).isEqualTo(64);
    }

    @Test
    void shouldExitWithOneWhenALineCannotBeDecoded() throws IOException {
        String a = recording("a", OFFERS);
        String b = recording("b", OFFERS + "nonsense\n");

        assertThat(run("trace", "diff", a, b)).isEqualTo(1);

        assertThat(out.toString()).doesNotContain("differ");
        assertThat(err.toString().strip())
                .isEqualTo("airlock: " + b + ":2: unknown event 'nonsense'");
    }

    @Test
    void shouldExitWithTwoForWrongUsage() throws IOException {
        String a = recording("a", OFFERS);

        assertThat(run("trace", "diff", a)).isEqualTo(2);
        assertThat(run("trace", "diff", "-", "-")).isEqualTo(2);
        assertThat(run("trace", "diff", a, folder.resolve("none").toString())).isEqualTo(2);
        assertThat(err.toString())
                .contains("only one of the two recordings can be standard input")
                .contains("none: no such file");
        assertThat(out.toString()).isEmpty();
    }

    private int run(String... arguments) {
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    private String recording(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }
}
