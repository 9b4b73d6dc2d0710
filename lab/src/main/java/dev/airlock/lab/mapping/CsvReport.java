package dev.airlock.lab.mapping;

import dev.airlock.lab.bench.Sample;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * A report as CSV (RFC 4180, lines end with a newline alone): one line a figure. The columns are
 * the table, every key of any table, then {@code figure,median,min,max,text}; what a table has not
 * is empty, and a finding that is no number stands in {@code text}.
 */
public final class CsvReport {
    private CsvReport() {}

    /** All tables of a report. */
    public static String of(MappingReport report) {
        Set<String> keys = new LinkedHashSet<>();
        report.tables().forEach(t -> t.rows().forEach(row -> keys.addAll(row.key().keySet())));
        StringBuilder csv = new StringBuilder("table,");
        keys.forEach(key -> csv.append(key).append(','));
        csv.append("figure,median,min,max,text\n");
        for (ReportTable table : report.tables()) {
            for (ReportRow row : table.rows()) {
                StringBuilder start = new StringBuilder(table.name()).append(',');
                for (String key : keys) {
                    Object value = row.key().get(key);
                    start.append(value == null ? "" : cell(value.toString())).append(',');
                }
                row.figures().forEach((name, sample) -> figure(csv, start, name, sample));
                row.words()
                        .forEach((name, text) ->
                                csv.append(start)
                                        .append(name)
                                        .append(",,,,")
                                        .append(cell(text))
                                        .append('\n'));
            }
        }
        return csv.toString();
    }

    private static void figure(StringBuilder csv, CharSequence start, String name, Sample sample) {
        csv.append(start)
                .append(name)
                .append(',')
                .append(sample.median())
                .append(',')
                .append(sample.min())
                .append(',')
                .append(sample.max())
                .append(",\n");
    }

    private static String cell(String text) {
        boolean plain = text.indexOf(',') < 0 && text.indexOf('"') < 0 && text.indexOf('\n') < 0;
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
