package dev.airlock.lab.mapping;

import dev.airlock.lab.bench.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;

/**
 * Lines over steps of something, on a logarithmic or a linear scale, each point with the range of
 * its rounds. One thread.
 */
final class LineChart {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 360;
    private static final int LEFT = 84;
    private static final int RIGHT = 160;
    private static final int TOP = 50;
    private static final int BOTTOM = 50;
    private static final int LABEL_STEP = 15;

    private final String title;
    private final String xName;
    private final String yName;
    private final List<String> steps;
    private final DoubleFunction<String> written;
    private final boolean logarithmic;
    private final List<Line> lines = new ArrayList<>();

    private record Line(String name, String colour, boolean dashed, List<Sample> points) {}

    /** A label at a line's end, where it is wanted and where there is room for it. */
    private record EndLabel(String name, String colour, double y) {}

    /**
     * @param steps of the x axis
     * @param written how values are written
     * @param logarithmic whether the y axis is; else it begins at zero
     */
    LineChart(
            String title,
            String xName,
            String yName,
            List<String> steps,
            DoubleFunction<String> written,
            boolean logarithmic) {
        this.title = title;
        this.xName = xName;
        this.yName = yName;
        this.steps = List.copyOf(steps);
        this.written = written;
        this.logarithmic = logarithmic;
    }

    /**
     * Adds a line.
     *
     * @param colour {@code a} or {@code b}
     * @param points one for each step
     */
    LineChart line(String name, String colour, boolean dashed, List<Sample> points) {
        lines.add(new Line(name, colour, dashed, points));
        return this;
    }

    String render() {
        double top = logarithmic ? decadeAbove(most()) : niceAbove(most());
        double bottom = logarithmic ? decadeBelow(least()) : 0;
        Svg svg = new Svg(WIDTH, HEIGHT, title);
        svg.text(16, 24, "start", "title", title);
        svg.textUpwards(22, (TOP + HEIGHT - BOTTOM) / 2.0, yName);
        svg.text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10, "middle", "soft", xName);
        for (double tick : ticks(bottom, top)) {
            double y = y(tick, bottom, top);
            svg.line(LEFT, y, WIDTH - RIGHT, y, "rule");
            svg.text(LEFT - 8, y + 4, "end", "soft", written.apply(tick));
        }
        for (int step = 0; step < steps.size(); step++) {
            svg.text(x(step), HEIGHT - BOTTOM + 18, "middle", "soft", steps.get(step));
        }
        List<EndLabel> labels = new ArrayList<>();
        for (Line line : lines) {
            draw(svg, line, bottom, top);
            double end = y(line.points().getLast().median(), bottom, top);
            labels.add(new EndLabel(line.name(), line.colour(), end));
        }
        label(svg, labels);
        return svg.render();
    }

    private void draw(Svg svg, Line line, double bottom, double top) {
        StringBuilder points = new StringBuilder();
        for (int step = 0; step < steps.size(); step++) {
            points.append(Svg.point(x(step), y(line.points().get(step).median(), bottom, top)));
        }
        String classes = "l l" + line.colour() + (line.dashed() ? " dash" : "");
        svg.polyline(points.toString(), classes);
        for (int step = 0; step < steps.size(); step++) {
            Sample sample = line.points().get(step);
            double x = x(step);
            svg.line(
                    x,
                    y(sample.min(), bottom, top),
                    x,
                    y(sample.max(), bottom, top),
                    "l l" + line.colour());
            svg.dot(
                    x,
                    y(sample.median(), bottom, top),
                    "f" + line.colour(),
                    "%s, %s: %s (%s to %s)"
                            .formatted(
                                    line.name(),
                                    steps.get(step),
                                    written.apply(sample.median()),
                                    written.apply(sample.min()),
                                    written.apply(sample.max())));
        }
    }

    /** Labels beside the lines' ends, pushed apart where they would overlap. */
    private static void label(Svg svg, List<EndLabel> labels) {
        labels.sort((one, other) -> Double.compare(one.y(), other.y()));
        double free = TOP;
        double latest = HEIGHT - BOTTOM - (labels.size() - 1.0) * LABEL_STEP;
        for (EndLabel label : labels) {
            double y = Math.min(Math.max(label.y(), free), latest);
            svg.text(WIDTH - RIGHT + 10, y + 4, "start", "f" + label.colour(), label.name());
            free = y + LABEL_STEP;
            latest += LABEL_STEP;
        }
    }

    private double x(int step) {
        return LEFT + 20 + (WIDTH - RIGHT - LEFT - 40.0) * step / Math.max(1, steps.size() - 1);
    }

    private double y(double value, double bottom, double top) {
        // The scale is that of the medians: one bad round may lie far outside.
        double inside = Math.clamp(value, bottom, top);
        double share =
                logarithmic ? Math.log(inside / bottom) / Math.log(top / bottom) : inside / top;
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
    }

    private List<Double> ticks(double bottom, double top) {
        List<Double> ticks = new ArrayList<>();
        if (logarithmic) {
            for (double tick = bottom; tick <= top * 1.001; tick *= 10) {
                ticks.add(tick);
            }
        } else {
            for (int part = 0; part <= 4; part++) {
                ticks.add(top * part / 4);
            }
        }
        return ticks;
    }

    private double most() {
        return lines.stream()
                .flatMap(line -> line.points().stream())
                .mapToDouble(Sample::median)
                .max()
                .orElse(1);
    }

    private double least() {
        return lines.stream()
                .flatMap(line -> line.points().stream())
                .mapToDouble(Sample::median)
                .filter(value -> value > 0)
                .min()
                .orElse(1);
    }

    private static double decadeAbove(double value) {
        return Math.pow(10, Math.ceil(Math.log10(Math.max(value, 1e-9))));
    }

    private static double decadeBelow(double value) {
        return Math.pow(10, Math.floor(Math.log10(Math.max(value, 1e-9))));
    }

    /** 1, 2, 4 or 8 times a power of ten. */
    private static double niceAbove(double value) {
        double decade = decadeBelow(Math.max(value, 1e-9));
        for (int factor = 1; factor <= 8; factor *= 2) {
            if (decade * factor >= value) {
                return decade * factor;
            }
        }
        return decade * 10;
    }
}
