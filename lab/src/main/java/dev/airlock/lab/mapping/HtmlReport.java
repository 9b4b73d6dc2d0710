package dev.airlock.lab.mapping;

import java.util.List;
import java.util.Map;

/**
 * A report as one page that needs nothing else: no script, no link, pictures as SVG inside. For a
 * light and a dark screen, and for paper.
 */
public final class HtmlReport {
    private static final String STYLE =
            """
            :root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--rule:#d1d9e0;--back:#ffffff;--panel:#f6f8fa}
            @media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--rule:#3d444d;--back:#0d1117;--panel:#151b23}}
            body{margin:0 auto;max-width:1180px;padding:24px;background:var(--back);color:var(--ink);
            font:15px/1.5 system-ui,sans-serif}
            h1{font-size:26px;line-height:1.25;margin:8px 0}h2{font-size:19px;margin:36px 0 8px;border-bottom:1px solid var(--rule);padding-bottom:4px}
            p{max-width:80ch}.soft{color:var(--soft)}
            .answer{background:var(--panel);border:1px solid var(--rule);border-radius:6px;padding:10px 16px;margin:10px 0;break-inside:avoid}
            .answer p{margin:4px 0;max-width:none}.question{font-weight:600}
            figure{margin:16px 0;overflow-x:auto;break-inside:avoid}figcaption{color:var(--soft);max-width:80ch;font-size:13px}
            .pair{display:flex;flex-wrap:wrap;gap:0 16px}.pair figure{flex:1 1 480px;min-width:0}svg{max-width:100%;height:auto}
            table{border-collapse:collapse;font-size:12px;font-variant-numeric:tabular-nums}
            th{position:sticky;top:0;background:var(--panel)}th,td{border-bottom:1px solid var(--rule);padding:2px 8px;text-align:right;white-space:nowrap}
            .words{text-align:left}.scroll{overflow:auto;max-height:70vh;border:1px solid var(--rule)}
            code,.mono{font:12px ui-monospace,monospace}pre{background:var(--panel);padding:10px;overflow-x:auto}
            dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px}dt{color:var(--soft)}dd{margin:0}
            summary{cursor:pointer;margin:10px 0}
            """;

    private HtmlReport() {}

    /** The page of a report that has all tables and answers. */
    public static String of(MappingReport report) {
        Charts charts = new Charts(report);
        StringBuilder page = new StringBuilder();
        page.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>")
                .append("<title>What mapping costs storvsc</title>\n<style>\n")
                .append(STYLE)
                .append("</style></head>\n<body>\n");
        head(page, report);
        page.append("<h2>What was asked, and the answers of this run</h2>\n");
        for (Answer answer : report.answers()) {
            page.append("<div class=\"answer\"><p class=\"question\">")
                    .append(Svg.escape(answer.question()))
                    .append("</p><p>")
                    .append(Svg.escape(answer.answer()))
                    .append("</p></div>\n");
        }
        costs(page, charts);
        offsets(page, charts);
        pressure(page, charts);
        page.append("<h2>All figures</h2>\n<p class=\"soft\">Medians of the rounds; ± is half the")
                .append(" distance between the extremes. Figures without it are exact.</p>\n");
        report.tables().forEach(table -> table(page, table));
        page.append("<h2>Machine, versions, how to repeat</h2>\n<dl>");
        facts(page, report.machine());
        facts(page, report.run());
        page.append("</dl>\n</body></html>\n");
        return page.toString();
    }

    private static void head(StringBuilder page, MappingReport report) {
        page.append(
                        "<h1>storvsc in an Isolation VM: map each page, or each scatterlist"
                                + " entry?</h1>\n")
                .append(
                        "<p>In August 2021 version 3 of a patch taught Linux's storvsc to work in a"
                                + " guest")
                .append(
                        " whose memory the host must not see. It called <code>dma_map_page</code>"
                                + " for each")
                .append(
                        " page of each I/O and kept the results in an array of its own; the review"
                                + " asked")
                .append(
                        " what that costs and whether it is right. Upstream later mapped whole"
                                + " scatterlists.")
                .append(
                        " Here both drivers run through the same path: storvsc, swiotlb and VMBus"
                                + " rings in")
                .append(" one process, the storage provider in another.</p>\n<p class=\"soft\">");
        report.machine().values().forEach(value -> page.append(Svg.escape(value)).append(" · "));
        page.append(Svg.escape(report.run().getOrDefault("date", ""))).append("</p>\n");
    }

    private static void costs(StringBuilder page, Charts charts) {
        page.append("<h2>What it costs</h2>\n");
        figure(
                page,
                charts.mappingTime(),
                "Mapping and unmapping alone, with the bounce copies where there are any. Bars are"
                        + " the range of the rounds. Guest pages of 4 KiB.");
        page.append("<div class=\"pair\">");
        figure(
                page,
                charts.gain(true),
                "Medians of the rounds, compared pair by pair; the thin lines are their range, as"
                        + " far as the scale goes.");
        figure(page, charts.gain(false), "The same without isolation: nothing is copied.");
        page.append("</div>\n");
    }

    private static void offsets(StringBuilder page, Charts charts) {
        page.append("<h2>What becomes of the offset</h2>\n");
        figure(page, charts.offsets(), "8 KiB each, in a pool of which one slot is taken already.");
        figure(
                page,
                charts.hostReads(0),
                "What reached the disk, through the host process. Only the driver that maps whole"
                        + " entries and sends the offset of the DMA address would survive this mask;"
                        + " with 4095 all four do, and need not set anything again.");
        figure(page, charts.prp(), "The same mappings as an NVMe command would name them.");
    }

    private static void pressure(StringBuilder page, Charts charts) {
        page.append("<h2>When the pool runs full</h2>\n<div class=\"pair\">");
        figure(
                page,
                charts.largestFree(),
                "Packed: what is in use lies together. Strewn: single pages all over the pool.");
        figure(page, charts.failures(), "16 MiB pool; four mappings kept by each thread.");
        page.append("</div>\n");
    }

    private static void figure(StringBuilder page, String svg, String caption) {
        page.append("<figure>\n")
                .append(svg)
                .append("<figcaption>")
                .append(Svg.escape(caption))
                .append("</figcaption></figure>\n");
    }

    private static void table(StringBuilder page, ReportTable table) {
        page.append("<details><summary>")
                .append(Svg.escape(table.title()))
                .append(" (")
                .append(table.rows().size())
                .append(" rows)</summary>\n<p class=\"soft\">")
                .append(Svg.escape(table.about()))
                .append("</p>\n<div class=\"scroll\"><table id=\"")
                .append(table.name())
                .append("\">\n<tr>");
        List<ReportRow> rows = table.rows();
        if (!rows.isEmpty()) {
            ReportRow first = rows.getFirst();
            first.key().keySet().forEach(name -> cell(page, "th", name));
            first.figures().keySet().forEach(name -> cell(page, "th", name));
            first.words().keySet().forEach(name -> cell(page, "th", name));
        }
        page.append("</tr>\n");
        for (ReportRow row : rows) {
            page.append("<tr>");
            row.key().values().forEach(value -> cell(page, "td", value.toString()));
            row.figures().values().forEach(s -> cell(page, "td", Numbers.withSpread(s)));
            row.words().values().forEach(text -> cell(page, "td class=\"words mono\"", text));
            page.append("</tr>\n");
        }
        page.append("</table></div></details>\n");
    }

    private static void cell(StringBuilder page, String tag, String text) {
        String name = tag.substring(0, 2);
        page.append('<').append(tag).append('>').append(Svg.escape(text));
        page.append("</").append(name).append('>');
    }

    private static void facts(StringBuilder page, Map<String, String> facts) {
        facts.forEach((name, value) ->
                page.append("<dt>")
                        .append(Svg.escape(name))
                        .append("</dt><dd>")
                        .append(Svg.escape(value))
                        .append("</dd>"));
    }
}
