package dev.airlock.lab.mapping;

import dev.airlock.lab.bench.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Groups of bars, up and down from zero, in percent, with the range of the rounds as far as the
 * scale, which is made for the medians, goes. One thread.
 */
final class BarChart {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 340;
    private static final int LEFT = 74;
    private static final int RIGHT = 20;
    private static final int TOP = 70;
    private static final int BOTTOM = 50;
    private static final double MARGIN = 1.15;

    private final String title;
    private final String xName;
    private final List<String> groups;
    private final List<Bars> series = new ArrayList<>();

    private record Bars(String name, String colour, List<Sample> values) {}

    BarChart(String title, String xName, List<String> groups) {
        this.title = title;
        this.xName = xName;
        this.groups = List.copyOf(groups);
    }

    /**
     * Adds a bar to each group.
     *
     * @param colour classes of {@link Svg}
     * @param values percent
     */
    BarChart bars(String name, String colour, List<Sample> values) {
        series.add(new Bars(name, colour, values));
        return this;
    }

    String render() {
        double top = 5;
        double bottom = 0;
        for (Bars bars : series) {
            for (Sample value : bars.values()) {
                top = Math.max(top, value.median() * MARGIN);
                bottom = Math.min(bottom, value.median() * MARGIN);
            }
        }
        Svg svg = new Svg(WIDTH, HEIGHT, title);
        svg.text(16, 24, "start", "title", title);
        legend(svg);
        double step = tickStep(top - bottom);
        for (double tick = Math.ceil(bottom / step) * step; tick <= top; tick += step) {
            double y = y(tick, bottom, top);
            svg.line(LEFT, y, WIDTH - RIGHT, y, "rule");
            svg.text(LEFT - 8, y + 4, "end", "soft", percent(tick));
        }
        double group = (WIDTH - LEFT - RIGHT) / (double) groups.size();
        double width = group * 0.7 / series.size();
        for (int g = 0; g < groups.size(); g++) {
            double middle = LEFT + (g + 0.5) * group;
            svg.text(middle, HEIGHT - BOTTOM + 18, "middle", "soft", groups.get(g));
            for (int s = 0; s < series.size(); s++) {
                double x = LEFT + (g + 0.15) * group + s * width;
                draw(svg, series.get(s), g, x, width, bottom, top);
            }
        }
        svg.text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10, "middle", "soft", xName);
        return svg.render();
    }

    private void draw(
            Svg svg, Bars bars, int group, double x, double width, double bottom, double top) {
        Sample value = bars.values().get(group);
        double zero = y(0, bottom, top);
        double end = y(value.median(), bottom, top);
        svg.box(
                x,
                Math.min(zero, end),
                width - 2,
                Math.abs(zero - end),
                bars.colour(),
                "%s, %s: %s (%s to %s)"
                        .formatted(
                                bars.name(),
                                groups.get(group),
                                percent(value.median()),
                                percent(value.min()),
                                percent(value.max())));
        double middle = x + width / 2 - 1;
        // The scale is that of the medians: one bad round may lie far outside.
        double low = Math.max(value.min(), bottom);
        double high = Math.min(value.max(), top);
        svg.line(middle, y(low, bottom, top), middle, y(high, bottom, top), "range");
    }

    private void legend(Svg svg) {
        double x = LEFT;
        for (Bars bars : series) {
            svg.box(x, 40, 12, 12, bars.colour(), bars.name());
            svg.text(x + 18, 50, "start", "", bars.name());
            x += 40 + 7 * bars.name().length();
        }
    }

    private static double y(double value, double bottom, double top) {
        double share = (value - bottom) / (top - bottom);
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
    }

    private static double tickStep(double range) {
        double step = 1;
        int[] factors = {1, 2, 5};
        for (int i = 0; range / step > 6; i++) {
            int decade = i / 3;
            step = factors[i % 3] * Math.pow(10, decade);
        }
        return step;
    }

    private static String percent(double value) {
        return Math.abs(value) < 0.5 ? "0 %" : String.format(Locale.ROOT, "%+.0f %%", value);
    }
}
