package dev.airlock.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TraceDecodeCommandTest {
    private static final String GOOD = "ctl-guest>host 0300000000000000\n";
    private static final String GOOD_TEXT = "guest>host control REQUEST_OFFERS";

    @TempDir private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void shouldPrintALineAnEvent() throws IOException {
        Path file = recording("# by hand\n\n" + GOOD + "gpadl pages=2 visible=1\r\n");
        assertThat(run("trace", "decode", file.toString())).isZero();
        assertThat(out.toString().lines()).containsExactly(GOOD_TEXT, "gpadl pages=2 visible=1");
        assertThat(err.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "linux-6.1-storvsc-normal.txt",
                "linux-6.1-storvsc-isolated.txt",
                "linux-6.1-storvsc-isolated-vtom.txt"
            })
    void shouldDecodeTheRecordings(String name) throws IOException {
        Path file = recorded(name);
        assertThat(run("trace", "decode", file.toString())).isZero();
        assertThat(out.toString().lines().count()).isEqualTo(Files.readAllLines(file).size());
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void shouldNameFileLineAndReasonOfWhatItCannotDecodeAndGoOn() throws IOException {
        Path file =
                recording(GOOD + "ctl-guest>host 6300000000000000\n" + GOOD + "nonsense\n" + GOOD);
        assertThat(run("trace", "decode", file.toString())).isEqualTo(1);
        assertThat(out.toString().lines()).containsExactly(GOOD_TEXT, GOOD_TEXT, GOOD_TEXT);
        assertThat(err.toString().lines())
                .containsExactly(
                        "airlock: " + file + ":2: unknown control message type 99",
                        "airlock: " + file + ":4: unknown event 'nonsense'");
    }

    @Test
    void shouldNotNameEveryLineOfAFileThatIsNoRecording() throws IOException {
        Path file = recording("nonsense\n".repeat(1000));
        assertThat(run("trace", "decode", file.toString())).isEqualTo(1);
        assertThat(err.toString().lines())
                .hasSize(101)
                .contains("airlock: " + file + ":100: unknown event 'nonsense'")
                .endsWith("airlock: " + file + ": 900 more lines could not be decoded");
    }

    @Test
    void shouldSayThatThereWasNothingToDecode() throws IOException {
        Path file = recording("# nothing yet\n");
        assertThat(run("trace", "decode", file.toString())).isZero();
        assertThat(err.toString().strip()).isEqualTo("airlock: " + file + ": holds no events");
    }

    @Test
    void shouldExitWithTwoWhenTheFileCannotBeOpened() throws IOException {
        String missing = folder.resolve("missing.txt").toString();
        assertThat(run("trace", "decode", missing)).isEqualTo(2);
        assertThat(err.toString().strip()).isEqualTo("airlock: " + missing + ": no such file");
        assertThat(run("trace", "decode", folder.toString())).isEqualTo(2);
        assertThat(err.toString()).contains(folder + ": is a directory, not a recording");
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"trace", "trace decode", "trace decode a b", "trace encode a"})
    void shouldExitWithTwoForWrongUsage(String arguments) {
        assertThat(run(arguments.split(" "))).isEqualTo(2);
        assertThat(err.toString()).startsWith("airlock: ").contains("--help");
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"trace --help", "trace decode --help"})
    void shouldExplainItself(String arguments) {
        assertThat(run(arguments.split(" "))).isZero();
        assertThat(out.toString()).contains("Usage: airlock trace").contains("decode");
    }

    @Test
    void shouldReadStandardInput() {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream((GOOD + "host>guest\n").getBytes(US_ASCII)));
        try {
            assertThat(run("trace", "decode", "-")).isEqualTo(1);
        } finally {
            System.setIn(before);
        }
        assertThat(out.toString().strip()).isEqualTo(GOOD_TEXT);
        assertThat(err.toString().strip()).isEqualTo("airlock: stdin:2: no bytes, cut off?");
    }

    @Test
    void shouldPrintAnObjectAnEventWithEveryField() throws IOException {
        Path file = recorded("linux-6.1-storvsc-normal.txt");
        assertThat(run("trace", "decode", "--json", file.toString())).isZero();
        List<JsonNode> objects = out.toString().lines().map(JsonMapper.shared()::readTree).toList();
        assertThat(objects).hasSize(301);
        JsonNode offers = objects.getFirst();
        assertThat(offers.toString())
                .isEqualTo(
                        "{\"line\":1,\"direction\":\"guest>host\",\"kind\":\"control\","
                                + "\"name\":\"REQUEST_OFFERS\"}");
        assertThat(objects.get(5).toString())
                .isEqualTo("{\"line\":6,\"kind\":\"gpadl\",\"pages\":64,\"visible\":0}");
        JsonNode read = objects.get(289);
        assertThat(read.get("line").intValue()).isEqualTo(290);
        assertThat(read.get("cdb").stringValue()).isEqualTo("READ(10) lba=14336 blocks=1024");
        assertThat(read.get("lba").longValue()).isEqualTo(14336);
        assertThat(read.get("blocks").longValue()).isEqualTo(1024);
        assertThat(read.get("transfer").longValue()).isEqualTo(524288);
        assertThat(read.get("visible").stringValue()).isEqualTo("0/129");
        assertThat(read.get("ranges").get(0).get("pfns").size()).isEqualTo(129);
        assertThat(read.get("ranges").get(0).get("pfns").get(0).stringValue()).isEqualTo("0xfbbb");
        assertThat(objects.get(290).get("request").stringValue()).isEqualTo("EXECUTE_SRB");
    }

    @Test
    void shouldPrintOnlyWhatWasAskedFor() {
        String file = recorded("linux-6.1-storvsc-isolated.txt").toString();

        assertThat(run("trace", "decode", file, "--from", "host", "--type", "control")).isZero();
        assertThat(out.toString().lines())
                .hasSize(3)
                .allSatisfy(line -> assertThat(line).startsWith("host>guest control "));
        out.getBuffer().setLength(0);
        assertThat(run("trace", "decode", file, "--opcode", "READ,0x2a", "--from", "guest"))
                .isZero();
        assertThat(out.toString().lines()).hasSize(119 + 59);
        out.getBuffer().setLength(0);
        assertThat(run("trace", "decode", file, "--opcode", "TEST UNIT READY")).isZero();
        assertThat(err.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--opcode REED", "--type OPEN", "--from both", "--opcode"})
    void shouldExitWithTwoForAFilterThatFitsNothing(String filter) throws IOException {
        Path file = recording(GOOD);
        String[] arguments = ("trace decode " + file + " " + filter).split(" ");
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(err.toString()).startsWith("airlock: ");
        assertThat(out.toString()).isEmpty();
    }

    private int run(String... arguments) {
        CommandLine command =
                Main.commandLine()
                        .setOut(new PrintWriter(out, true))
                        .setErr(new PrintWriter(err, true));
        return command.execute(arguments);
    }

    private Path recording(String text) throws IOException {
        return Files.writeString(folder.resolve("trace.txt"), text);
    }

    private static Path recorded(String name) {
        // ../shared beside the project, or further up beside a worktree.
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            Path file = up.resolve("shared/traces").resolve(name);
            if (Files.isReadable(file)) {
                return file;
            }
        }
        return Assumptions.abort("recording absent: " + name);
    }
}
