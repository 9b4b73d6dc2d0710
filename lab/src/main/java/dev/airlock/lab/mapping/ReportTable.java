package dev.airlock.lab.mapping;

import java.util.List;

/**
 * Rows of one kind. Immutable but for the rows, which nobody changes any more.
 *
 * @param name one word, for machines
 * @param title for people
 * @param about how to read it: a sentence or two
 * @param rows in order
 */
public record ReportTable(String name, String title, String about, List<ReportRow> rows) {
    public ReportTable {
        rows = List.copyOf(rows);
    }
}
