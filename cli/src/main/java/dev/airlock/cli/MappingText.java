package dev.airlock.cli;

import dev.airlock.lab.bench.Sample;
import dev.airlock.lab.mapping.Answer;
import dev.airlock.lab.mapping.MappingReport;
import dev.airlock.lab.mapping.Numbers;
import dev.airlock.lab.mapping.ReportRow;
import dev.airlock.lab.mapping.ReportTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A mapping report for a terminal: the two drivers side by side, the offset tables as grids, the
 * pool; then the answers, where the reader's eyes are at the end. What it leaves out, as most of
 * the host's reads, is in the other forms.
 */
final class MappingText {
    private static final int WRAP = 100;

    private MappingText() {}

    static String of(MappingReport report) {
        StringBuilder text = new StringBuilder();
        title(text, report.table("matrix"));
        wrap(text, "Pairs: per page / per entry; ± is half the distance between the extremes.", "");
        text.append(sideBySide(report.table("matrix").rows())).append('\n');
        title(text, report.table("offsets"));
        wrap(text, "Down: min_align_mask. Across: offset of the original.", "");
        text.append(grid(report.table("offsets"), "minAlignMask", "offset", MappingText::dmaOffset))
                .append('\n');
        title(text, report.table("hostReads"));
        text.append(rightReads(report.table("hostReads"))).append('\n');
        wrap(text, "The sectors that the host read with min_align_mask 0:", "");
        text.append(sectors(report.table("hostReads"))).append('\n');
        title(text, report.table("prp"));
        wrap(text, "Down: min_align_mask. Pages named, - where no list is possible.", "");
        text.append(grid(report.table("prp"), "minAlignMask", "shape", MappingText::prpPages))
                .append('\n');
        title(text, report.table("pressure"));
        text.append(pressure(report.table("pressure").rows())).append('\n');
        for (Answer answer : report.answers()) {
            wrap(text, answer.question(), "");
            wrap(text, answer.answer(), "  ");
            text.append('\n');
        }
        append(text, report.machine());
        append(text, report.run());
        return text.toString();
    }

    private static void title(StringBuilder text, ReportTable table) {
        text.append(table.title()).append('\n');
        wrap(text, table.about(), "");
    }

    private static void append(StringBuilder text, Map<String, String> facts) {
        facts.forEach((name, value) -> text.append(name).append(": ").append(value).append('\n'));
    }

    /** A line for two rows that differ in the driver only; they follow each other. */
    private static String sideBySide(List<ReportRow> rows) {
        TextTable table =
                new TextTable(
                        "layout, size",
                        "guest page",
                        "isolated",
                        "map+unmap ns",
                        "calls",
                        "copies",
                        "copied",
                        "slots",
                        "wasted B",
                        "heap B",
                        "packets B",
                        "largest",
                        "p50 µs",
                        "IOPS");
        for (int i = 0; i < rows.size(); i += 2) {
            ReportRow page = rows.get(i);
            ReportRow entry = rows.get(i + 1);
            table.row(
                    page.name("layout") + " " + Numbers.bytes(page.number("bytes")),
                    Numbers.bytes(page.number("guestPageBytes")),
                    page.is("isolated", true) ? "yes" : "no",
                    measured(page, entry, "mappingNs"),
                    pair(page, entry, "mapCalls"),
                    pair(page, entry, "copies"),
                    Numbers.bytes(entry.median("copiedBytes")),
                    pair(page, entry, "slots"),
                    pair(page, entry, "wastedBytes"),
                    pair(page, entry, "mapAllocatedBytes"),
                    pair(page, entry, "packetBytes"),
                    Numbers.bytes(page.median("largestCommandBytes"))
                            + " / "
                            + Numbers.bytes(entry.median("largestCommandBytes")),
                    measured(page, entry, "latencyP50Us"),
                    measured(page, entry, "iops"));
        }
        return table.render();
    }

    private static String pair(ReportRow page, ReportRow entry, String figure) {
        String one = Numbers.three(page.median(figure));
        String other = Numbers.three(entry.median(figure));
        return one.equals(other) ? one : one + " / " + other;
    }

    private static String measured(ReportRow page, ReportRow entry, String figure) {
        return spread(page, figure) + " / " + spread(entry, figure);
    }

    private static String spread(ReportRow row, String figure) {
        Sample sample = row.figures().get(figure);
        return sample == null ? "" : Numbers.withSpread(sample);
    }

    /** How a cell of a grid is written. */
    @FunctionalInterface
    private interface Written {
        String of(ReportRow row);
    }

    private static String dmaOffset(ReportRow row) {
        return Integer.toString((int) row.median("dmaOffset"));
    }

    private static String prpPages(ReportRow row) {
        return row.text("prp").equals("valid")
                ? Integer.toString((int) row.median("prpPages"))
                : "-";
    }

    private static String grid(ReportTable source, String down, String across, Written written) {
        Map<String, List<String>> lines = new LinkedHashMap<>();
        Set<String> columns = new LinkedHashSet<>();
        for (ReportRow row : source.rows()) {
            columns.add(row.name(across));
            lines.computeIfAbsent(row.name(down), absent -> new ArrayList<>()).add(written.of(row));
        }
        return table(down, columns, lines);
    }

    private static String rightReads(ReportTable reads) {
        Map<String, Map<String, Integer>> right = new LinkedHashMap<>();
        Set<String> rules = new LinkedHashSet<>();
        Set<String> offsets = new LinkedHashSet<>();
        for (ReportRow row : reads.rows()) {
            rules.add(row.name("rule"));
            offsets.add(row.name("offset"));
            right.computeIfAbsent(row.name("minAlignMask"), absent -> new LinkedHashMap<>())
                    .merge(
                            row.name("rule"),
                            row.text("result").equals("right") ? 1 : 0,
                            Integer::sum);
        }
        Map<String, List<String>> lines = new LinkedHashMap<>();
        right.forEach((mask, counts) ->
                lines.put(
                        mask,
                        counts.values().stream()
                                .map(count -> count + " right of " + offsets.size())
                                .toList()));
        return table("minAlignMask", rules, lines);
    }

    private static String sectors(ReportTable reads) {
        TextTable table = new TextTable("driver", "from offset", "pfns", "sectors");
        for (ReportRow row : reads.rows()) {
            if (row.is("minAlignMask", 0)) {
                table.row(
                        row.name("rule"),
                        row.name("offset"),
                        row.text("pfns"),
                        row.text("sectors"));
            }
        }
        return table.render();
    }

    private static String table(
            String corner, Set<String> columns, Map<String, List<String>> lines) {
        List<String> header = new ArrayList<>(List.of(corner));
        header.addAll(columns);
        TextTable table = new TextTable(header.toArray(String[]::new));
        lines.forEach((name, values) -> {
            List<String> cells = new ArrayList<>(List.of(name));
            cells.addAll(values);
            table.row(cells.toArray(String[]::new));
        });
        return table.render();
    }

    private static String pressure(List<ReportRow> rows) {
        TextTable table =
                new TextTable(
                        "pool",
                        "use",
                        "threads",
                        "ns each",
                        "failed %",
                        "of 4 KiB %",
                        "slots each",
                        "segments searched",
                        "worst/best thread",
                        "largest free",
                        "growths");
        for (ReportRow row : rows) {
            boolean growing = row.is("growing", true);
            table.row(
                    growing ? "growing" : row.is("strewn", true) ? "strewn" : "packed",
                    row.name("usePercent") + " %",
                    row.name("threads"),
                    spread(row, "nsPerAttempt"),
                    figure(row, "failedPercent"),
                    figure(row, "failed4KPercent"),
                    figure(row, "slotsPerMapping"),
                    figure(row, "segmentsPerAttempt"),
                    figure(row, "worstToBestThread"),
                    growing ? "" : Numbers.bytes(row.median("largestFreeBytes")),
                    figure(row, "growths"));
        }
        return table.render();
    }

    private static String figure(ReportRow row, String name) {
        return Numbers.three(row.median(name));
    }

    private static void wrap(StringBuilder text, String words, String indent) {
        int column = 0;
        for (String word : words.split(" ", -1)) {
            if (column > 0 && column + 1 + word.length() > WRAP) {
                text.append('\n');
                column = 0;
            }
            text.append(column == 0 ? indent : " ").append(word);
            column += word.length() + 1;
        }
        text.append('\n');
    }
}
