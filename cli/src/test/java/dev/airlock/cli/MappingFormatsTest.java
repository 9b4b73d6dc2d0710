package dev.airlock.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.disk.DiskSpec;
import dev.airlock.lab.bench.Sample;
import dev.airlock.lab.mapping.Answer;
import dev.airlock.lab.mapping.CsvReport;
import dev.airlock.lab.mapping.HtmlReport;
import dev.airlock.lab.mapping.LabOptions;
import dev.airlock.lab.mapping.MappingLab;
import dev.airlock.lab.mapping.MappingReport;
import dev.airlock.lab.mapping.Numbers;
import dev.airlock.lab.mapping.ReportRow;
import dev.airlock.lab.mapping.ReportTable;
import dev.airlock.storvsp.server.HostOptions;
import dev.airlock.storvsp.server.StorageHost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One run of the laboratory, in the forms of its output: each parses, and all agree. */
class MappingFormatsTest {
    @TempDir private static Path folder;
    private static MappingReport report;

    @BeforeAll
    static void runOnce() throws Exception {
        HostOptions options =
                new HostOptions()
                        .socket(folder.resolve("host.sock"))
                        .dropPrivileges(false)
                        .disk(DiskSpec.parse("null:64G,shared"))
                        .disk(DiskSpec.parse("mem:64M,shared"));
        int[] told = new int[1];
        try (StorageHost host = StorageHost.start(options)) {
            MappingLab lab = new MappingLab(host.socket(), LabOptions.quick());
            report = lab.run(Map.of("cpu", "a<b & c"), Map.of("rounds", "1"), s -> told[0]++);
            assertThat(told[0]).isEqualTo(lab.steps());
        }
    }

    @Test
    void shouldHoldTheWholeMatrixAndAllAnswers() {
        assertThat(report.table("matrix").rows()).hasSize(2 * 2 * 6 * 3 * 3);
        assertThat(report.table("offsets").rows()).hasSize(17 * 18);
        assertThat(report.table("hostReads").rows()).hasSize(17 * 4 * 8);
        assertThat(report.table("prp").rows()).hasSize(17 * 6);
        assertThat(report.table("pressure").rows()).hasSize(2 * 7 * 5 + 5);
        assertThat(report.answers()).hasSize(8);
        for (ReportRow row : report.table("matrix").rows()) {
            boolean isolated = row.is("isolated", true);
            double bytes = row.number("bytes");
            assertThat(row.median("copiedBytes"))
                    .as("a read is copied in and out: " + row.key())
                    .isEqualTo(isolated ? 2 * bytes : 0);
            assertThat(row.median("slots") > 0).isEqualTo(isolated);
            assertThat(row.median("largestCommandBytes")).isGreaterThanOrEqualTo(252 << 10);
        }
    }

    @Test
    void shouldSayTheSameInJson() {
        JsonMapper mapper = new JsonMapper();
        JsonNode json = mapper.readTree(mapper.writeValueAsString(MappingJson.of(report)));
        assertThat(json.get("machine").get("cpu").asString()).isEqualTo("a<b & c");
        for (int i = 0; i < report.answers().size(); i++) {
            Answer answer = report.answers().get(i);
            assertThat(json.get("answers").get(i).get("question").asString())
                    .isEqualTo(answer.question());
            assertThat(json.get("answers").get(i).get("answer").asString())
                    .isEqualTo(answer.answer());
        }
        for (ReportTable table : report.tables()) {
            JsonNode rows = json.get(table.name());
            assertThat(rows.size()).isEqualTo(table.rows().size());
            for (int i = 0; i < rows.size(); i++) {
                ReportRow row = table.rows().get(i);
                JsonNode found = rows.get(i);
                row.key()
                        .forEach((name, value) ->
                                assertThat(found.get(name).asString()).isEqualTo(value.toString()));
                row.figures().forEach((name, sample) -> assertSame(found.get(name), sample));
                row.words()
                        .forEach((name, text) ->
                                assertThat(found.get(name).asString()).isEqualTo(text));
            }
        }
    }

    private static void assertSame(JsonNode found, Sample sample) {
        assertThat(found.get("median").asDouble()).isEqualTo(sample.median());
        assertThat(found.get("min").asDouble()).isEqualTo(sample.min());
        assertThat(found.get("max").asDouble()).isEqualTo(sample.max());
    }

    @Test
    void shouldSayTheSameInCsv() {
        List<List<String>> lines = parseCsv(CsvReport.of(report));
        List<String> header = lines.getFirst();
        int next = 1;
        for (ReportTable table : report.tables()) {
            for (ReportRow row : table.rows()) {
                for (Map.Entry<String, Sample> figure : row.figures().entrySet()) {
                    Map<String, String> line = named(header, lines.get(next++));
                    assertStart(line, table, row, figure.getKey());
                    Sample sample = figure.getValue();
                    assertThat(Double.parseDouble(line.get("median"))).isEqualTo(sample.median());
                    assertThat(Double.parseDouble(line.get("min"))).isEqualTo(sample.min());
                    assertThat(Double.parseDouble(line.get("max"))).isEqualTo(sample.max());
                }
                for (Map.Entry<String, String> word : row.words().entrySet()) {
                    Map<String, String> line = named(header, lines.get(next++));
                    assertStart(line, table, row, word.getKey());
                    assertThat(line.get("text")).isEqualTo(word.getValue());
                }
            }
        }
        assertThat(next).isEqualTo(lines.size());
    }

    private static void assertStart(
            Map<String, String> line, ReportTable table, ReportRow row, String figure) {
        assertThat(line.get("table")).isEqualTo(table.name());
        assertThat(line.get("figure")).isEqualTo(figure);
        row.key().forEach((key, value) -> assertThat(line.get(key)).isEqualTo(value.toString()));
    }

    private static Map<String, String> named(List<String> header, List<String> line) {
        assertThat(line).hasSameSizeAs(header);
        Map<String, String> named = new HashMap<>();
        for (int i = 0; i < header.size(); i++) {
            named.put(header.get(i), line.get(i));
        }
        return named;
    }

    @Test
    void shouldSayTheSameInHtmlThatNeedsNothingElse() {
        // That it parses, and agrees cell by cell, BenchMappingTest of e2e sees to.
        String html = HtmlReport.of(report);
        assertThat(html).doesNotContain("<script", "<link", "@import", "src=", "href=");
        assertThat(html).contains("a&lt;b &amp; c").doesNotContain("a<b");
        assertThat(html.split("<svg ", -1)).hasSize(1 + 8);
    }

    @Test
    void shouldSayTheSameOnATerminal() {
        String text = MappingText.of(report);
        String flat = text.replaceAll("\\s+", " ");
        for (Answer answer : report.answers()) {
            assertThat(flat).contains(answer.question()).contains(answer.answer());
        }
        for (ReportTable table : report.tables()) {
            assertThat(text).contains(table.title());
        }
        List<String> lines = text.lines().map(line -> line.replaceAll("  +", "|")).toList();
        List<ReportRow> matrix = report.table("matrix").rows();
        for (int i = 0; i < matrix.size(); i += 2) {
            ReportRow page = matrix.get(i);
            ReportRow entry = matrix.get(i + 1);
            String one = Numbers.three(page.median("mappingNs"));
            String other = Numbers.three(entry.median("mappingNs"));
            String times = one + " / " + other;
            String start =
                    page.name("layout")
                            + " "
                            + Numbers.bytes(page.number("bytes"))
                            + "|"
                            + Numbers.bytes(page.number("guestPageBytes"))
                            + "|"
                            + (page.is("isolated", true) ? "yes" : "no")
                            + "|";
            assertThat(lines)
                    .filteredOn(line -> line.startsWith(start))
                    .as(start)
                    .singleElement()
                    .asString()
                    .contains(times);
        }
        for (ReportRow row : report.table("hostReads").rows()) {
            if (row.is("minAlignMask", 0)) {
                assertThat(lines)
                        .contains(
                                String.join(
                                        "|",
                                        row.name("rule"),
                                        row.name("offset"),
                                        row.text("pfns"),
                                        row.text("sectors")));
            }
        }
    }

    /** RFC 4180. */
    private static List<List<String>> parseCsv(String csv) {
        List<List<String>> lines = new ArrayList<>();
        List<String> line = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < csv.length(); i++) {
            char c = csv.charAt(i);
            if (quoted && c == '"' && i + 1 < csv.length() && csv.charAt(i + 1) == '"') {
                cell.append('"');
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (!quoted && (c == ',' || c == '\n')) {
                line.add(cell.toString());
                cell.setLength(0);
                if (c == '\n') {
                    lines.add(line);
                    line = new ArrayList<>();
                }
            } else {
                cell.append(c);
            }
        }
        assertThat(cell).as("the last line ends").isEmpty();
        return lines;
    }
}
