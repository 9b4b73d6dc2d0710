package dev.airlock.lab.trace;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The words of one line. Holds one line's state, for one thread. */
final class LineParser {
    /** How much of an unexpected word a message shows. */
    private static final int SHOWN_CHARS = 40;

    private final int line;
    private final List<String> notes = new ArrayList<>();
    private @Nullable MemorySegment bytes;
    private TraceEvent.@Nullable Visible visibleOfTotal;
    private int pages = -1;
    private int visible = -1;

    private LineParser(int line) {
        this.line = line;
    }

    /**
     * Parses a line.
     *
     * @return null for a blank line or a comment
     */
    static @Nullable TraceEvent parse(int line, String text) throws TraceException {
        String stripped = text.strip();
        if (stripped.isEmpty() || stripped.startsWith("#")) {
            return null;
        }
        String[] words = stripped.split("\\s+");
        LineParser parser = new LineParser(line);
        return switch (words[0]) {
            case "ctl-guest>host" -> parser.control(Direction.GUEST_TO_HOST, words);
            case "ctl-host>guest" -> parser.control(Direction.HOST_TO_GUEST, words);
            case "guest>host" -> parser.packet(Direction.GUEST_TO_HOST, words);
            case "host>guest" -> parser.packet(Direction.HOST_TO_GUEST, words);
            case "gpadl" -> parser.gpadl(words);
            default -> throw parser.bad("unknown event '" + shown(words[0]) + "'");
        };
    }

    private TraceEvent control(Direction direction, String[] words) throws TraceException {
        for (int i = 1; i < words.length; i++) {
            if (!takeNote(words[i])) {
                takeBytes(words[i]);
            }
        }
        return new TraceEvent.Control(line, direction, requiredBytes(), List.copyOf(notes));
    }

    private TraceEvent packet(Direction direction, String[] words) throws TraceException {
        for (int i = 1; i < words.length; i++) {
            if (words[i].startsWith("visible=")) {
                takeVisibleOfTotal(words[i].substring("visible=".length()));
            } else if (!takeNote(words[i])) {
                takeBytes(words[i]);
            }
        }
        return new TraceEvent.Packet(
                line, direction, visibleOfTotal, requiredBytes(), List.copyOf(notes));
    }

    private TraceEvent gpadl(String[] words) throws TraceException {
        for (int i = 1; i < words.length; i++) {
            if (words[i].startsWith("pages=")) {
                pages = once("pages", pages, count("pages", words[i]));
            } else if (words[i].startsWith("visible=")) {
                visible = once("visible", visible, count("visible", words[i]));
            } else if (!takeNote(words[i])) {
                throw bad("unexpected '" + shown(words[i]) + "' in a gpadl event");
            }
        }
        if (pages < 0 || visible < 0) {
            throw bad("a gpadl event needs pages=N visible=M");
        }
        if (visible > pages) {
            throw bad(
                    "more visible pages than pages: pages=%d visible=%d".formatted(pages, visible));
        }
        return new TraceEvent.Gpadl(line, pages, visible, List.copyOf(notes));
    }

    private void takeVisibleOfTotal(String value) throws TraceException {
        int slash = value.indexOf('/');
        int seen = slash < 0 ? -1 : number(value.substring(0, slash));
        int total = slash < 0 ? -1 : number(value.substring(slash + 1));
        if (seen < 0 || total < seen || visibleOfTotal != null) {
            throw bad("not visible=V/T with V at most T, once: '" + shown(value) + "'");
        }
        visibleOfTotal = new TraceEvent.Visible(seen, total);
    }

    private void takeBytes(String word) throws TraceException {
        if (bytes != null) {
            throw bad("unexpected '" + shown(word) + "' after the bytes");
        }
        for (int i = 0; i < word.length(); i++) {
            if (!HexFormat.isHexDigit(word.charAt(i))) {
                throw bad(
                        "not hexadecimal at digit %d: '%s'"
                                .formatted(i + 1, shown(word.substring(i))));
            }
        }
        if (word.length() % 2 != 0) {
            throw bad("odd number of hexadecimal digits, cut off? digits=" + word.length());
        }
        bytes = MemorySegment.ofArray(HexFormat.of().parseHex(word)).asReadOnly();
    }

    private boolean takeNote(String word) {
        if (word.indexOf('=') <= 0) {
            return false;
        }
        notes.add(word);
        return true;
    }

    private MemorySegment requiredBytes() throws TraceException {
        if (bytes == null) {
            throw bad("no bytes, cut off?");
        }
        return bytes;
    }

    private int count(String name, String word) throws TraceException {
        int value = number(word.substring(name.length() + 1));
        if (value < 0) {
            throw bad("not a count: '" + shown(word) + "'");
        }
        return value;
    }

    private int once(String name, int before, int value) throws TraceException {
        if (before >= 0) {
            throw bad("more than one " + name + "=");
        }
        return value;
    }

    /** A decimal count of up to nine digits; -1 for anything else. */
    private static int number(String text) {
        boolean valid =
                !text.isEmpty()
                        && text.length() <= 9
                        && text.chars().allMatch(c -> c >= '0' && c <= '9');
        return valid ? Integer.parseInt(text) : -1;
    }

    private TraceException bad(String reason) {
        return new TraceException(line, reason);
    }

    /** A piece of the recording, fit for one line on a terminal. */
    private static String shown(String text) {
        String part = text.length() > SHOWN_CHARS ? text.substring(0, SHOWN_CHARS) + "..." : text;
        StringBuilder safe = new StringBuilder(part.length());
        part.chars().forEach(c -> safe.append(c >= ' ' && c < 0x7F ? (char) c : '?'));
        return safe.toString();
    }
}
