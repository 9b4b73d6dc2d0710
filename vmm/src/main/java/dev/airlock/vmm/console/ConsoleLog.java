package dev.airlock.vmm.console;

import dev.airlock.vmm.device.ByteSink;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The last lines of a console, and the kernel's panic message if there was one. What the guest
 * sends is untrusted: lines are cut to a length, and control characters and escape sequences are
 * left out, so that they may be printed. Thread-safe.
 */
public final class ConsoleLog implements ByteSink {

    /** Longest line kept, bytes; the rest of a longer one is dropped. */
    public static final int LINE_BYTES = 1024;

    /** What {@code panic()} of Linux prints first, {@code kernel/panic.c}. */
    private static final String PANIC = "Kernel panic - not syncing";

    private static final int ESCAPE = 0x1B;

    private final int mostLines;
    private final Consumer<String> eachLine;
    private final Deque<String> lines = new ArrayDeque<>();
    private final byte[] current = new byte[LINE_BYTES];
    private int length;
    private Sequence sequence = Sequence.NONE;
    private Optional<String> panic = Optional.empty();

    /** Where in an escape sequence (ECMA-48, 5.4) the last byte was. */
    private enum Sequence {
        NONE,
        BEGUN,
        CONTROL
    }

    /**
     * @param mostLines lines to keep, at least 1
     */
    public ConsoleLog(int mostLines) {
        this(mostLines, line -> {});
    }

    /**
     * A log that somebody follows.
     *
     * @param mostLines lines to keep, at least 1
     * @param eachLine gets each line when it ends, also those of which there are too many to be
     *     kept; called by the thread that writes, which it must not keep waiting
     */
    public ConsoleLog(int mostLines, Consumer<String> eachLine) {
        if (mostLines < 1) {
            throw new IllegalArgumentException("mostLines=" + mostLines);
        }
        this.mostLines = mostLines;
        this.eachLine = eachLine;
    }

    @Override
    public synchronized void accept(byte value) {
        if (sequence != Sequence.NONE) {
            sequence = after(value);
        } else if (value == ESCAPE) {
            sequence = Sequence.BEGUN;
        } else if (value == '\n') {
            endLine();
        } else if (isText(value) && length < LINE_BYTES) {
            current[length++] = value;
        }
    }

    /** The lines, oldest first; the last one may be unfinished. */
    public synchronized List<String> lines() {
        List<String> copy = new ArrayList<>(lines);
        if (length > 0) {
            copy.add(text());
        }
        return copy;
    }

    /**
     * The first panic message since the start or {@link #clear}, from "Kernel panic" to the end of
     * its line; kept when the line itself is gone. Empty if the console showed none.
     */
    public synchronized Optional<String> panic() {
        return panic.isPresent() ? panic : panicIn(text());
    }

    /** Forgets everything: for a machine that starts again. */
    public synchronized void clear() {
        lines.clear();
        length = 0;
        sequence = Sequence.NONE;
        panic = Optional.empty();
    }

    /** Escape sequences end with a letter or the like; others are one character long. */
    private Sequence after(byte value) {
        if (sequence == Sequence.BEGUN) {
            return value == '[' ? Sequence.CONTROL : Sequence.NONE;
        }
        return value >= '@' || value < ' ' ? Sequence.NONE : Sequence.CONTROL;
    }

    /** Not for control characters; bytes beyond ASCII are UTF-8. */
    private static boolean isText(byte value) {
        return value < 0 || value >= ' ' && value != 0x7F || value == '\t';
    }

    private void endLine() {
        String line = text();
        length = 0;
        if (panic.isEmpty()) {
            panic = panicIn(line);
        }
        if (lines.size() == mostLines) {
            lines.removeFirst();
        }
        lines.addLast(line);
        eachLine.accept(line);
    }

    private static Optional<String> panicIn(String line) {
        int at = line.indexOf(PANIC);
        return at < 0 ? Optional.empty() : Optional.of(line.substring(at));
    }

    private String text() {
        return new String(current, 0, length, StandardCharsets.UTF_8);
    }
}
