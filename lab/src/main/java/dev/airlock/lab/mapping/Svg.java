package dev.airlock.lab.mapping;

import java.util.Locale;

/**
 * An SVG picture that stands alone: it brings its own colours, for a light and for a dark
 * background, so that the same text serves in a page and as a file. One thread.
 */
final class Svg {
    private static final String STYLE =
            """
            <style>
            .chart{font:12px system-ui,sans-serif;--ink:#1f2328;--soft:#59636e;--rule:#d1d9e0;--back:#ffffff;\
            --a:#bc4c00;--b:#0969da;--ok:#d2f0d9;--okink:#116329;--bad:#ffd7d5;--badink:#a40e26;\
            --late:#f9c78b;--early:#c9b6f2;--zero:#d1d9e0;--stale:#e5534b}
            @media(prefers-color-scheme:dark){.chart{--ink:#e6edf3;--soft:#9198a1;--rule:#3d444d;--back:#0d1117;\
            --a:#f0883e;--b:#58a6ff;--ok:#12341f;--okink:#7ee787;--bad:#4c1417;--badink:#ffb3ad;\
            --late:#8a5a16;--early:#5b4891;--zero:#4b535d;--stale:#c93c37}}
            .chart text{fill:var(--ink)}.chart .soft{fill:var(--soft)}.chart .title{font-weight:600;font-size:14px}
            .chart .rule{stroke:var(--rule);stroke-width:1}.chart .back{fill:var(--back)}
            .chart .la{stroke:var(--a)}.chart .lb{stroke:var(--b)}.chart .l{fill:none;stroke-width:2}
            .chart .dash{stroke-dasharray:5 4}.chart .fa{fill:var(--a)}.chart .fb{fill:var(--b)}.chart .pale{opacity:.45}
            .chart .ok{fill:var(--ok)}.chart .bad{fill:var(--bad)}.chart .tok{fill:var(--okink)}.chart .tbad{fill:var(--badink)}
            .chart .late{fill:var(--late)}.chart .early{fill:var(--early)}.chart .zero{fill:var(--zero)}.chart .stale{fill:var(--stale)}
            .chart .small{font-size:10px}.chart .range{stroke:var(--soft);stroke-width:1}
            </style>
            """;

    private final StringBuilder body = new StringBuilder();
    private final int width;
    private final int height;
    private final String description;

    /**
     * @param description of the picture, for who cannot see it
     */
    Svg(int width, int height, String description) {
        this.width = width;
        this.height = height;
        this.description = description;
    }

    /** A text; anchor is {@code start}, {@code middle} or {@code end}. */
    Svg text(double x, double y, String anchor, String classes, String words) {
        body.append(
                "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\" class=\"%s\">%s</text>\n"
                        .formatted(at(x), at(y), anchor, classes, escape(words)));
        return this;
    }

    /** A text that is read from below. */
    Svg textUpwards(double x, double y, String words) {
        body.append(
                "<text transform=\"translate(%s %s) rotate(-90)\" text-anchor=\"middle\" class=\"soft\">%s</text>%n"
                        .formatted(at(x), at(y), escape(words)));
        return this;
    }

    /** A line. */
    Svg line(double x1, double y1, double x2, double y2, String classes) {
        body.append(
                "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" class=\"%s\"/>\n"
                        .formatted(at(x1), at(y1), at(x2), at(y2), classes));
        return this;
    }

    /** A line through points, {@code x,y x,y}. */
    Svg polyline(String points, String classes) {
        body.append("<polyline points=\"%s\" class=\"%s\"/>\n".formatted(points.strip(), classes));
        return this;
    }

    /** A point of a polyline. */
    static String point(double x, double y) {
        return at(x) + "," + at(y) + " ";
    }

    /** A dot with words for the pointer. */
    Svg dot(double x, double y, String classes, String words) {
        body.append(
                "<circle cx=\"%s\" cy=\"%s\" r=\"3.5\" class=\"%s\"><title>%s</title></circle>\n"
                        .formatted(at(x), at(y), classes, escape(words)));
        return this;
    }

    /** A filled box with words for the pointer. */
    Svg box(double x, double y, double w, double h, String classes, String words) {
        body.append(
                "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" class=\"%s\"><title>%s</title></rect>\n"
                        .formatted(at(x), at(y), at(w), at(h), classes, escape(words)));
        return this;
    }

    /** The whole picture. */
    String render() {
        return """
        <svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">
        %s<rect width="%d" height="%d" class="back"/>
        %s</svg>
        """
                .formatted(
                        width,
                        height,
                        width,
                        height,
                        escape(description),
                        STYLE,
                        width,
                        height,
                        body);
    }

    private static String at(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }

    /** For text and attributes of XML. */
    static String escape(String words) {
        return words.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
