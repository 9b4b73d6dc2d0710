package dev.airlock.cli;

import dev.airlock.lab.bench.Sample;
import dev.airlock.lab.mapping.Answer;
import dev.airlock.lab.mapping.MappingReport;
import dev.airlock.lab.mapping.ReportRow;
import dev.airlock.lab.mapping.ReportTable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A mapping report as maps and lists for {@link Json}: {@code machine}, {@code run}, {@code
 * answers} with {@code question} and {@code answer}, and each table under its name as a list of
 * rows: the row's keys, then its figures as {@code {median, min, max}}, then its findings in words.
 */
final class MappingJson {
    private MappingJson() {}

    static Map<String, Object> of(MappingReport report) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("machine", report.machine());
        fields.put("run", report.run());
        fields.put("answers", report.answers().stream().map(MappingJson::answer).toList());
        for (ReportTable table : report.tables()) {
            List<Map<String, Object>> rows = table.rows().stream().map(MappingJson::row).toList();
            fields.put(table.name(), rows);
        }
        return fields;
    }

    private static Map<String, String> answer(Answer answer) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("question", answer.question());
        fields.put("answer", answer.answer());
        return fields;
    }

    private static Map<String, Object> row(ReportRow row) {
        Map<String, Object> fields = new LinkedHashMap<>(row.key());
        row.figures().forEach((name, sample) -> fields.put(name, sample(sample)));
        fields.putAll(row.words());
        return fields;
    }

    private static Map<String, Double> sample(Sample sample) {
        Map<String, Double> fields = new LinkedHashMap<>();
        fields.put("median", sample.median());
        fields.put("min", sample.min());
        fields.put("max", sample.max());
        return fields;
    }
}
