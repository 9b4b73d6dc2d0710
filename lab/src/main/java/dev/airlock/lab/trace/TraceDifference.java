package dev.airlock.lab.trace;

import dev.airlock.lab.trace.TraceProfile.Key;
import dev.airlock.lab.trace.TraceProfile.Section;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What differs between two recordings. Immutable.
 *
 * @param sections all of them, in the order of {@link Section}
 */
public record TraceDifference(List<Part> sections) {

    /** A thing that is not there, or a sequence that has ended. */
    public static final String NONE = "-";

    public TraceDifference {
        sections = List.copyOf(sections);
    }

    /**
     * One section.
     *
     * @param compared things that either recording has
     * @param rows those that differ
     */
    public record Part(Section section, int compared, List<Row> rows) {
        public Part {
            rows = List.copyOf(rows);
        }

        public boolean same() {
            return rows.isEmpty();
        }
    }

    /**
     * A thing that differs.
     *
     * @param a what the first recording has: a {@link Long} or a {@link String}
     * @param b what the second has
     */
    public record Row(String what, Object a, Object b) {}

    /** Compares two recordings, each counted whole. */
    public static TraceDifference of(TraceProfile a, TraceProfile b) {
        List<Part> parts = new ArrayList<>();
        for (Section section : Section.values()) {
            parts.add(
                    switch (section) {
                        case CONTROL_SEQUENCE -> firstDivergence(section, a, b);
                        case GPADLS -> oneByOne(section, a, b);
                        default -> counts(section, a, b);
                    });
        }
        return new TraceDifference(parts);
    }

    /** Whether nothing differs. */
    public boolean same() {
        return sections.stream().allMatch(Part::same);
    }

    private static Part counts(Section section, TraceProfile a, TraceProfile b) {
        Map<Key, Long> first = a.counts(section);
        Map<Key, Long> second = b.counts(section);
        SortedSet<Key> keys = new TreeSet<>(first.keySet());
        keys.addAll(second.keySet());
        List<Row> rows = new ArrayList<>();
        for (Key key : keys) {
            long inFirst = first.getOrDefault(key, 0L);
            long inSecond = second.getOrDefault(key, 0L);
            if (inFirst != inSecond) {
                rows.add(new Row(key.toString(), inFirst, inSecond));
            }
        }
        return new Part(section, keys.size(), rows);
    }

    private static Part oneByOne(Section section, TraceProfile a, TraceProfile b) {
        int count = Math.max(a.sequence(section).size(), b.sequence(section).size());
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            compare("number " + (i + 1), i, a.sequence(section), b.sequence(section), rows);
        }
        return new Part(section, count, rows);
    }

    /** Behind the first difference, a sequence's positions say nothing any more. */
    private static Part firstDivergence(Section section, TraceProfile a, TraceProfile b) {
        int count = Math.max(a.sequence(section).size(), b.sequence(section).size());
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < count && rows.isEmpty(); i++) {
            String what = "first difference, message " + (i + 1);
            compare(what, i, a.sequence(section), b.sequence(section), rows);
        }
        return new Part(section, count, rows);
    }

    private static void compare(
            String what, int index, List<String> a, List<String> b, List<Row> rows) {
        String first = index < a.size() ? a.get(index) : NONE;
        String second = index < b.size() ? b.get(index) : NONE;
        if (!first.equals(second)) {
            rows.add(new Row(what, first, second));
        }
    }
}
