package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code airlock bench mapping}: guest and host in two processes, all forms of output of one run.
 */
class BenchMappingTest {
    private static final List<String> TABLES =
            List.of("matrix", "offsets", "hostReads", "prp", "pressure");

    @TempDir private static Path folder;
    private static JsonNode json;
    private static String csv = "";
    private static Document page;

    @BeforeAll
    static void runOnce() throws Exception {
        Path csvFile = folder.resolve("m.csv");
        Path htmlFile = folder.resolve("m.html");
        var result =
                AirlockProcess.run(
                        "bench", "mapping", "--quick", "--json", "--csv", csvFile, "--html",
                        htmlFile);
        assertThat(result.exitCode()).as(result.errors()).isZero();
        assertThat(result.errors()).isEmpty();
        json = new JsonMapper().readTree(result.output());
        csv = Files.readString(csvFile);
        page =
                DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(new InputSource(new StringReader(Files.readString(htmlFile))));
    }

    @Test
    void shouldWriteEachRowInEveryForm() {
        NodeList tables = page.getElementsByTagName("table");
        assertThat(tables.getLength()).isEqualTo(TABLES.size());
        for (int t = 0; t < tables.getLength(); t++) {
            Element table = (Element) tables.item(t);
            String name = table.getAttribute("id");
            assertThat(name).isEqualTo(TABLES.get(t));
            JsonNode rows = json.get(name);
            NodeList lines = table.getElementsByTagName("tr");
            assertThat(lines.getLength()).isEqualTo(1 + rows.size());
            NodeList header = ((Element) lines.item(0)).getElementsByTagName("th");
            long fields = 0;
            for (int r = 0; r < rows.size(); r++) {
                NodeList cells = ((Element) lines.item(r + 1)).getElementsByTagName("td");
                assertThat(cells.getLength()).isEqualTo(header.getLength());
                for (int c = 0; c < cells.getLength(); c++) {
                    JsonNode field = rows.get(r).get(header.item(c).getTextContent());
                    assertSame(cells.item(c).getTextContent(), field);
                    fields += isFinding(field, name, c) ? 1 : 0;
                }
            }
            assertThat(csv.lines().filter(line -> line.startsWith(name + ",")).count())
                    .isEqualTo(fields);
        }
    }

    /** Neither a key: of those, rows have one line in the CSV for all. */
    private static boolean isFinding(JsonNode field, String table, int column) {
        int keys =
                switch (table) {
                    case "matrix" -> 5;
                    case "hostReads" -> 3;
                    case "pressure" -> 4;
                    default -> 2;
                };
        return column >= keys && !field.isNull();
    }

    private static void assertSame(String cell, JsonNode field) {
        if (field.isObject()) {
            double median = field.get("median").asDouble();
            double shown = Double.parseDouble(cell.replace(",", "").replaceFirst(" ±.*", ""));
            double tolerance = Math.abs(median) / 100 + 0.01; // three digits are shown
            assertThat(Math.abs(shown - median)).as(cell).isLessThanOrEqualTo(tolerance);
        } else {
            assertThat(cell).isEqualTo(field.asString());
        }
    }

    @Test
    void shouldAnswerTheReviewWithTheNumbersOfTheRun() {
        String words = page.getDocumentElement().getTextContent();
        assertThat(json.get("answers").size()).isEqualTo(8);
        for (JsonNode answer : json.get("answers")) {
            assertThat(words).contains(answer.get("question").asString());
            assertThat(words).contains(answer.get("answer").asString());
        }
        for (String fact : List.of("cpu", "kernel", "jdk", "airlock", "commit")) {
            assertThat(words).contains(json.get("machine").get(fact).asString());
        }
        assertThat(words).contains("./airlock bench mapping --quick --html mapping.html");
    }

    @Test
    void shouldShowThroughTheHostWhichMasksKeepEveryByte() {
        for (JsonNode row : json.get("hostReads")) {
            boolean right = row.get("result").asString().equals("right");
            if (row.get("minAlignMask").asInt() >= 4095) {
                assertThat(right).as(row.toString()).isTrue();
            } else if (row.get("rule").asString().equals("per entry, original offset")) {
                int there = row.get("dmaOffset").get("median").asInt();
                assertThat(right).as(row.toString()).isEqualTo(there == row.get("offset").asInt());
            }
        }
    }
}
