package dev.airlock.lab.mapping;

import dev.airlock.lab.bench.Sample;
import java.util.ArrayList;
import java.util.List;

/** The pictures of a report. Stateless but for the report. */
final class Charts {
    private static final List<Integer> SHOWN_OFFSETS = HostReads.OFFSETS;
    private static final int SECTORS = OffsetTable.BYTES / 512;

    private final Findings found;

    Charts(MappingReport report) {
        found = new Findings(report);
    }

    /** Time of map and unmap over the size. */
    String mappingTime() {
        List<String> sizes = Matrix.SIZES.stream().map(Numbers::bytes).toList();
        LineChart chart =
                new LineChart(
                        "Map and unmap of one I/O, contiguous buffer",
                        "size of the I/O",
                        "time, logarithmic",
                        sizes,
                        Numbers::time,
                        true);
        for (boolean isolated : new boolean[] {true, false}) {
            for (Way way : Way.values()) {
                chart.line(
                        (isolated ? "isolated, " : "not isolated, ") + way.label(),
                        colour(way),
                        !isolated,
                        overSizes(isolated, way, "mappingNs"));
            }
        }
        return chart.render();
    }

    /** What mapping per entry gains through the whole path. */
    String gain(boolean isolated) {
        List<String> sizes = Matrix.SIZES.stream().map(Numbers::bytes).toList();
        BarChart chart =
                new BarChart(
                        "I/Os a second per entry against per page, whole path, "
                                + (isolated ? "isolated" : "not isolated"),
                        "size of the I/O",
                        sizes);
        for (Layout layout : Layout.values()) {
            List<Sample> gains = new ArrayList<>();
            for (int bytes : Matrix.SIZES) {
                ReportRow row = found.cell(isolated, Way.PER_ENTRY, layout, bytes, 4 << 10);
                gains.add(Findings.sample(row, "iopsAgainstPerPagePercent"));
            }
            chart.bars(layout.label(), colour(layout), gains);
        }
        return chart.render();
    }

    /** Which offsets survive which mask. */
    String offsets() {
        CellGrid grid =
                new CellGrid(
                        "Offset of a bounced buffer in its 4 KiB page, for each min_align_mask",
                        "down: min_align_mask; across: offset of the original; green: the offset is"
                                + " kept",
                        70,
                        46,
                        OffsetTable.OFFSETS.stream().map(String::valueOf).toList());
        for (int mask : OffsetTable.MASKS) {
            List<CellGrid.Cell> cells = new ArrayList<>();
            for (int offset : OffsetTable.OFFSETS) {
                ReportRow row = found.offset(mask, offset);
                boolean kept = row.text("kept").equals("yes");
                String dma = Numbers.three(row.median("dmaOffset")).replace(",", "");
                cells.add(
                        new CellGrid.Cell(
                                kept ? "ok" : "bad",
                                kept ? "tok" : "tbad",
                                dma,
                                "mask %d: offset %d becomes %s".formatted(mask, offset, dma)));
            }
            grid.row(String.valueOf(mask), cells);
        }
        return grid.render();
    }

    /** Sector by sector, what the host read. */
    String hostReads(int mask) {
        List<String> sectors = new ArrayList<>();
        for (int sector = 0; sector < SECTORS; sector++) {
            sectors.add(String.valueOf(sector));
        }
        CellGrid grid =
                new CellGrid(
                        "The 16 sectors that the host read of an 8 KiB write, min_align_mask "
                                + mask,
                        "=  right   > from later   < from earlier in the buffer   0  zeroes   ! "
                                + " left by another I/O",
                        290,
                        28,
                        sectors);
        for (OffsetRule rule : OffsetRule.values()) {
            for (int offset : SHOWN_OFFSETS) {
                ReportRow row = found.hostRead(mask, rule, offset);
                List<CellGrid.Cell> cells = new ArrayList<>();
                for (char letter : row.text("sectors").toCharArray()) {
                    cells.add(
                            new CellGrid.Cell(
                                    fill(letter),
                                    "",
                                    String.valueOf(letter),
                                    row.text("firstWrong")));
                }
                grid.row("%s, from offset %d".formatted(rule.label(), offset), cells);
            }
        }
        return grid.render();
    }

    /** Which lists can be PRP lists. */
    String prp() {
        List<String> shapes = found.prp(0).stream().map(row -> row.name("shape")).toList();
        CellGrid grid =
                new CellGrid(
                        "Pages that NVMe PRP entries name, for each min_align_mask",
                        "across: min_align_mask; green: a valid list; red: none is possible",
                        250,
                        42,
                        OffsetTable.MASKS.stream().map(String::valueOf).toList());
        for (String shape : shapes) {
            List<CellGrid.Cell> cells = new ArrayList<>();
            for (int mask : OffsetTable.MASKS) {
                ReportRow row =
                        found.prp(mask).stream()
                                .filter(each -> each.is("shape", shape))
                                .findFirst()
                                .orElseThrow();
                boolean valid = row.text("prp").equals("valid");
                cells.add(
                        new CellGrid.Cell(
                                valid ? "ok" : "bad",
                                valid ? "tok" : "tbad",
                                valid ? Numbers.three(row.median("prpPages")) : "×",
                                valid ? "valid" : row.text("violation")));
            }
            grid.row(shape, cells);
        }
        return grid.render();
    }

    /** The largest mapping that still fits. */
    String largestFree() {
        LineChart chart =
                pressureChart(
                        "Largest mapping that still fits",
                        "largest mapping",
                        kibibytes -> Numbers.three(kibibytes) + " KiB");
        chart.line("packed", "b", false, kibibytes(overUse(false, 1, "largestFreeBytes")));
        chart.line("strewn", "a", false, kibibytes(overUse(true, 1, "largestFreeBytes")));
        return chart.render();
    }

    /** How many attempts fail. */
    String failures() {
        LineChart chart =
                pressureChart(
                        "Mappings that found no slots, of a mix of 4 to 252 KiB",
                        "failed",
                        percent -> Numbers.three(percent) + " %");
        chart.line("packed, 1 thread", "b", true, overUse(false, 1, "failedPercent"));
        chart.line("packed, 16 threads", "b", false, overUse(false, 16, "failedPercent"));
        chart.line("strewn, 1 thread", "a", true, overUse(true, 1, "failedPercent"));
        chart.line("strewn, 16 threads", "a", false, overUse(true, 16, "failedPercent"));
        return chart.render();
    }

    private static LineChart pressureChart(
            String title, String yName, java.util.function.DoubleFunction<String> written) {
        List<String> uses =
                PoolPressure.USE_PERCENT.stream().map(percent -> percent + " %").toList();
        return new LineChart(title, "slots in use", yName, uses, written, false);
    }

    private List<Sample> overSizes(boolean isolated, Way way, String figure) {
        return Matrix.SIZES.stream()
                .map(bytes -> Findings.sample(found.cell(isolated, way, bytes), figure))
                .toList();
    }

    private List<Sample> overUse(boolean strewn, int threads, String figure) {
        return PoolPressure.USE_PERCENT.stream()
                .map(use -> Findings.sample(found.pressure(strewn, use, threads), figure))
                .toList();
    }

    private static List<Sample> kibibytes(List<Sample> bytes) {
        return bytes.stream().map(sample -> sample.times(1.0 / 1024)).toList();
    }

    private static String colour(Layout layout) {
        return switch (layout) {
            case CONTIGUOUS -> "fb";
            case SCATTERED -> "fb pale";
            case ODD_OFFSET -> "fa";
        };
    }

    private static String colour(Way way) {
        return way == Way.PER_PAGE ? "a" : "b";
    }

    private static String fill(char letter) {
        return switch (letter) {
            case '=' -> "ok";
            case '>' -> "late";
            case '<' -> "early";
            case '0' -> "zero";
            default -> "stale";
        };
    }
}
