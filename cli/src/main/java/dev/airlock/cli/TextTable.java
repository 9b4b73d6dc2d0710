package dev.airlock.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * A table for a terminal or a mail: the first column to the left, all others to the right, columns
 * parted by two spaces. Not thread safe.
 */
final class TextTable {
    private final List<String[]> rows = new ArrayList<>();
    private final int columns;

    TextTable(String... header) {
        columns = header.length;
        rows.add(header.clone());
    }

    /** Adds a row; it has as many cells as the header. */
    TextTable row(String... cells) {
        if (cells.length != columns) {
            throw new IllegalArgumentException("cells=" + cells.length + " columns=" + columns);
        }
        rows.add(cells.clone());
        return this;
    }

    /** The table, each line ending with a newline, a rule below the header. */
    String render() {
        int[] width = new int[columns];
        for (String[] row : rows) {
            for (int i = 0; i < columns; i++) {
                width[i] = Math.max(width[i], row[i].length());
            }
        }
        var text = new StringBuilder();
        for (int r = 0; r < rows.size(); r++) {
            line(text, rows.get(r), width);
            if (r == 0) {
                int total = 2 * (columns - 1);
                for (int w : width) {
                    total += w;
                }
                text.repeat('-', total).append('\n');
            }
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String[] cells, int[] width) {
        int start = text.length();
        for (int i = 0; i < cells.length; i++) {
            int pad = width[i] - cells[i].length();
            if (i > 0) {
                text.append("  ").repeat(' ', pad).append(cells[i]);
            } else {
                text.append(cells[i]).repeat(' ', pad);
            }
        }
        int end = text.length();
        while (end > start && text.charAt(end - 1) == ' ') {
            end--;
        }
        text.setLength(end);
        text.append('\n');
    }
}
