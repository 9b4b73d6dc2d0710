package dev.airlock.lab.mapping;

import java.util.ArrayList;
import java.util.List;

/** Rows of coloured cells with names to the left and above. One thread. */
final class CellGrid {
    private static final int ROW = 18;
    private static final int TOP = 78;
    private static final int MARGIN = 16;

    private final String title;
    private final String corner;
    private final int nameWidth;
    private final int cellWidth;
    private final List<String> columns;
    private final List<Row> rows = new ArrayList<>();

    /**
     * One cell.
     *
     * @param fill class of its box
     * @param ink class of its text
     * @param text in it
     * @param words for the pointer
     */
    record Cell(String fill, String ink, String text, String words) {}

    private record Row(String name, List<Cell> cells) {}

    /**
     * @param corner what the names of the rows are, and those of the columns
     * @param nameWidth of the rows' names, pixels
     * @param cellWidth of a cell, pixels
     */
    CellGrid(String title, String corner, int nameWidth, int cellWidth, List<String> columns) {
        this.title = title;
        this.corner = corner;
        this.nameWidth = nameWidth;
        this.cellWidth = cellWidth;
        this.columns = List.copyOf(columns);
    }

    /** Adds a row below. */
    CellGrid row(String name, List<Cell> cells) {
        rows.add(new Row(name, cells));
        return this;
    }

    String render() {
        int width = Math.max(560, MARGIN + nameWidth + columns.size() * cellWidth + MARGIN);
        Svg svg = new Svg(width, TOP + rows.size() * ROW + MARGIN, title);
        svg.text(MARGIN, 24, "start", "title", title);
        svg.text(MARGIN, 44, "start", "soft", corner);
        for (int column = 0; column < columns.size(); column++) {
            double x = MARGIN + nameWidth + (column + 0.5) * cellWidth;
            svg.text(x, TOP - 8, "middle", "soft small", columns.get(column));
        }
        for (int r = 0; r < rows.size(); r++) {
            Row row = rows.get(r);
            double y = TOP + r * (double) ROW;
            svg.text(MARGIN + nameWidth - 8, y + 13, "end", "", row.name());
            for (int column = 0; column < row.cells().size(); column++) {
                Cell cell = row.cells().get(column);
                double x = MARGIN + nameWidth + column * (double) cellWidth;
                svg.box(x, y, cellWidth - 1, ROW - 1, cell.fill(), cell.words());
                if (!cell.text().isEmpty()) {
                    svg.text(
                            x + cellWidth / 2.0 - 0.5,
                            y + 13,
                            "middle",
                            "small " + cell.ink(),
                            cell.text());
                }
            }
        }
        return svg.render();
    }
}
