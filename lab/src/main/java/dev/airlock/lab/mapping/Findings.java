package dev.airlock.lab.mapping;

import dev.airlock.lab.bench.Sample;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.Predicate;

/** Looks things up in a report's tables. Immutable. */
final class Findings {
    private final MappingReport report;

    Findings(MappingReport report) {
        this.report = report;
    }

    /** A cell of the matrix. */
    ReportRow cell(boolean isolated, Way way, Layout layout, int bytes, int guestPageBytes) {
        return only(
                Tables.MATRIX,
                row ->
                        row.is("isolated", isolated)
                                && row.is("way", way.label())
                                && row.is("layout", layout.label())
                                && row.is("bytes", bytes)
                                && row.is("guestPageBytes", guestPageBytes));
    }

    /** A cell of a guest with 4 KiB pages and contiguous buffers. */
    ReportRow cell(boolean isolated, Way way, int bytes) {
        return cell(isolated, way, Layout.CONTIGUOUS, bytes, 4 << 10);
    }

    /** What swiotlb made of an offset. */
    ReportRow offset(int mask, int offset) {
        return only(
                Tables.OFFSETS, row -> row.is("minAlignMask", mask) && row.is("offset", offset));
    }

    /** What the host read. */
    ReportRow hostRead(int mask, OffsetRule rule, int offset) {
        return only(
                Tables.HOST_READS,
                row ->
                        row.is("minAlignMask", mask)
                                && row.is("rule", rule.label())
                                && row.is("offset", offset));
    }

    /** How many host reads with certain masks, of a driver and from inside a page, were right. */
    long right(OffsetRule rule, IntPredicate masks) {
        return insidePage(rule, masks).stream()
                .filter(row -> row.text("result").equals("right"))
                .count();
    }

    /** Host reads with certain masks, of a driver, that began inside a page. */
    List<ReportRow> insidePage(OffsetRule rule, IntPredicate masks) {
        return report.table(Tables.HOST_READS).rows().stream()
                .filter(row -> row.is("rule", rule.label()) && !row.is("offset", 0))
                .filter(row -> masks.test(row.number("minAlignMask")))
                .toList();
    }

    /** The PRP findings of a mask. */
    List<ReportRow> prp(int mask) {
        return report.table(Tables.PRP).rows().stream()
                .filter(row -> row.is("minAlignMask", mask))
                .toList();
    }

    /** A cell of the pressure table, of a pool that does not grow. */
    ReportRow pressure(boolean strewn, int usePercent, int threads) {
        return only(
                Tables.PRESSURE,
                row ->
                        row.is("growing", false)
                                && row.is("strewn", strewn)
                                && row.is("usePercent", usePercent)
                                && row.is("threads", threads));
    }

    /** The pools that may grow. */
    List<ReportRow> growing() {
        return report.table(Tables.PRESSURE).rows().stream()
                .filter(row -> row.is("growing", true))
                .toList();
    }

    /** A figure of a row that has it. */
    static Sample sample(ReportRow row, String name) {
        Sample sample = row.figures().get(name);
        if (sample == null) {
            throw new IllegalArgumentException("no figure " + name + " in " + row.key());
        }
        return sample;
    }

    private ReportRow only(String table, Predicate<ReportRow> wanted) {
        return report.table(table).rows().stream()
                .filter(wanted)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no such row of " + table));
    }
}
