package dev.airlock.lab.trace;

/** A line of a recording that is no event, or an event that cannot be decoded. */
public final class TraceException extends Exception {
    private static final long serialVersionUID = 1L;
    private final int line;
    private final String reason;

    public TraceException(int line, String reason) {
        super("line " + line + ": " + reason);
        this.line = line;
        this.reason = reason;
    }

    /** Number of the line, from 1. */
    public int line() {
        return line;
    }

    /** What is wrong with it, in one line, without the number. */
    public String reason() {
        return reason;
    }
}
