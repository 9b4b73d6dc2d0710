package dev.airlock.lab.mapping;

import dev.airlock.lab.bench.Sample;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One line of a table: what tells it apart, and what was found. Filled by one thread, then only
 * read.
 */
public final class ReportRow {
    private final Map<String, Object> key = new LinkedHashMap<>();
    private final Map<String, Sample> figures = new LinkedHashMap<>();
    private final Map<String, String> words = new LinkedHashMap<>();

    /** Adds a part of the key: a string, a boolean or a whole number. */
    ReportRow key(String name, Object value) {
        key.put(name, value);
        return this;
    }

    /** Adds a measured figure; the unit is the last part of its name. */
    ReportRow figure(String name, Sample sample) {
        figures.put(name, sample);
        return this;
    }

    /** Adds a figure that is exact. */
    ReportRow exact(String name, double value) {
        return figure(name, new Sample(value, value, value));
    }

    /** Adds a finding that is no number. */
    ReportRow word(String name, String text) {
        words.put(name, text);
        return this;
    }

    /** What tells the row apart, in order. */
    public Map<String, Object> key() {
        return key;
    }

    /** Figures by name, in order. */
    public Map<String, Sample> figures() {
        return figures;
    }

    /** Findings that are no numbers, by name, in order. */
    public Map<String, String> words() {
        return words;
    }

    /** The middle of a figure; the row must have it. */
    public double median(String name) {
        Sample sample = figures.get(name);
        if (sample == null) {
            throw new IllegalArgumentException("no figure " + name + " in " + key);
        }
        return sample.median();
    }

    /** A finding; the row must have it. */
    public String text(String name) {
        String text = words.get(name);
        if (text == null) {
            throw new IllegalArgumentException("no finding " + name + " in " + key);
        }
        return text;
    }

    /** A part of the key that is a whole number; the row must have it. */
    public int number(String name) {
        if (key.get(name) instanceof Integer value) {
            return value;
        }
        throw new IllegalArgumentException("no number " + name + " in " + key);
    }

    /** A part of the key as text; the row must have it. */
    public String name(String name) {
        Object value = key.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no " + name + " in " + key);
        }
        return value.toString();
    }

    /** Whether a part of the key has a value. */
    public boolean is(String name, Object value) {
        return value.equals(key.get(name));
    }
}
