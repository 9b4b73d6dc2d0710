package dev.airlock.lab.trace;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an event means: names and fields, ready to be printed or looked at. Immutable.
 *
 * @param line number of the event's line in its recording, from 1
 * @param direction who sent it; null for a GPADL event, which nobody sent
 * @param kind {@code control}, {@code packet} or {@code gpadl}
 * @param name the control message or the packet's type; null for a GPADL event
 * @param fields in the order in which text shows them
 */
public record DecodedEvent(
        int line,
        @Nullable Direction direction,
        String kind,
        @Nullable String name,
        List<Field> fields) {

    public DecodedEvent {
        fields = List.copyOf(fields);
    }

    /** How {@link #text} shows a field. */
    public enum Shown {
        NAME_AND_VALUE,
        VALUE,
        /** As {@link #VALUE}, and for people only: other fields say the same to programs. */
        PROSE,
        /** For programs only. */
        NOT_AT_ALL
    }

    /**
     * A field.
     *
     * @param value a {@link Number} (counts, small ids, lengths), a {@link String} (names, and
     *     whatever is written in hexadecimal), a {@link Boolean}, a list of maps (GPA ranges) or a
     *     list of strings
     * @param shown how text shows it
     */
    public record Field(String name, Object value, Shown shown) {}

    /** The value of the first field of this name, null when there is none. */
    public @Nullable Object value(String fieldName) {
        for (Field field : fields) {
            if (field.name.equals(fieldName)) {
                return field.value;
            }
        }
        return null;
    }

    /** One line: direction, kind, name, and {@code field=value} pairs. */
    public String text() {
        StringBuilder text = new StringBuilder();
        if (direction != null) {
            text.append(direction).append(' ');
        }
        text.append(kind);
        if (name != null) {
            text.append(' ').append(name);
        }
        for (Field field : fields) {
            append(text, field);
        }
        return text.toString();
    }

    private static void append(StringBuilder text, Field field) {
        switch (field.shown) {
            case NAME_AND_VALUE -> text.append(' ').append(field.name).append('=');
            case VALUE, PROSE -> text.append(' ');
            case NOT_AT_ALL -> {
                return;
            }
        }
        String value = field.value.toString();
        boolean quoted = field.shown == Shown.NAME_AND_VALUE && value.indexOf(' ') >= 0;
        text.append(quoted ? "\"" + value + "\"" : value);
    }

    /** Collects fields. For one thread. */
    static final class Builder {
        private final List<Field> fields = new ArrayList<>();

        Builder add(String fieldName, Object value) {
            fields.add(new Field(fieldName, value, Shown.NAME_AND_VALUE));
            return this;
        }

        /** A value that needs no name in text, such as a command. */
        Builder plain(String fieldName, String value) {
            fields.add(new Field(fieldName, value, Shown.VALUE));
            return this;
        }

        /** For people only. */
        Builder prose(String value) {
            fields.add(new Field("text", value, Shown.PROSE));
            return this;
        }

        /** For programs only. */
        Builder silent(String fieldName, Object value) {
            fields.add(new Field(fieldName, value, Shown.NOT_AT_ALL));
            return this;
        }

        /** In text only when {@code tells} something, for programs always. */
        Builder addIf(boolean tells, String fieldName, Object value) {
            return tells ? add(fieldName, value) : silent(fieldName, value);
        }

        Builder hex(String fieldName, long value) {
            return add(fieldName, hex(value));
        }

        /** An unsigned 32-bit number in decimal. */
        Builder unsigned(String fieldName, int value) {
            return add(fieldName, Integer.toUnsignedLong(value));
        }

        /** Words of the line that the format does not define, as they are. */
        Builder notes(List<String> notes) {
            return notes.isEmpty() ? this : plain("notes", String.join(" ", notes));
        }

        DecodedEvent build(
                int line, @Nullable Direction direction, String kind, @Nullable String name) {
            return new DecodedEvent(line, direction, kind, name, fields);
        }

        static String hex(long value) {
            return "0x" + Long.toHexString(value);
        }
    }
}
