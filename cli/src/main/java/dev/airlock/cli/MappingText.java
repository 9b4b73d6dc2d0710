package dev.airlock.cli;

import dev.airlock.lab.bench.Sample;
import dev.airlock.lab.mapping.Answer;
import dev.airlock.lab.mapping.MappingReport;
import dev.airlock.lab.mapping.ReportRow;
import dev.airlock.lab.mapping.ReportTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A mapping report for a terminal: each table with all its columns, then the answers, where the
 * reader's eyes are at the end. Figures that vary show their spread as {@code median ±percent}.
 */
final class MappingText {
    private static final int WRAP = 100;

    private MappingText() {}

    static String of(MappingReport report) {
        StringBuilder text = new StringBuilder();
        for (ReportTable table : report.tables()) {
            text.append(table.title()).append('\n');
            wrap(text, table.about(), "");
            text.append('\n');
            if (!table.rows().isEmpty()) {
                text.append(render(table.rows())).append('\n');
            }
        }
        for (Answer answer : report.answers()) {
            wrap(text, answer.question(), "");
            wrap(text, answer.answer(), "  ");
            text.append('\n');
        }
        append(text, report.machine());
        append(text, report.run());
        return text.toString();
    }

    private static void append(StringBuilder text, Map<String, String> facts) {
        facts.forEach((name, value) -> text.append(name).append(": ").append(value).append('\n'));
    }

    private static String render(List<ReportRow> rows) {
        ReportRow first = rows.getFirst();
        List<String> header = new ArrayList<>(first.key().keySet());
        header.addAll(first.figures().keySet());
        header.addAll(first.words().keySet());
        TextTable table = new TextTable(header.toArray(String[]::new));
        for (ReportRow row : rows) {
            List<String> cells = new ArrayList<>();
            row.key().values().forEach(value -> cells.add(key(value)));
            row.figures().values().forEach(sample -> cells.add(figure(sample)));
            cells.addAll(row.words().values());
            table.row(cells.toArray(String[]::new));
        }
        return table.render();
    }

    private static String key(Object value) {
        return value instanceof Boolean yes ? (yes ? "yes" : "no") : value.toString();
    }

    private static String figure(Sample sample) {
        String median = number(sample.median());
        if (sample.min() == sample.max() || sample.median() == 0) {
            return median;
        }
        double spread = (sample.max() - sample.min()) / 2 / sample.median();
        return median + String.format(Locale.ROOT, " ±%.0f%%", spread * 100);
    }

    private static String number(double value) {
        if (value == Math.rint(value) || value >= 1000) {
            return String.format(Locale.ROOT, "%.0f", value);
        }
        return String.format(Locale.ROOT, value < 10 ? "%.2f" : "%.1f", value);
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
