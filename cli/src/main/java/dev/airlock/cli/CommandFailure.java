package dev.airlock.cli;

import org.jspecify.annotations.Nullable;

/**
 * A failure with a message for the user, one line that says what to do, and the exit code it ends
 * with.
 */
final class CommandFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int exitCode;

    private CommandFailure(int exitCode, @Nullable String message) {
        super(message, null, false, false);
        this.exitCode = exitCode;
    }

    /** The user asked for something that cannot be, or the machine lacks something: exit code 2. */
    static CommandFailure usage(@Nullable String message) {
        return new CommandFailure(Main.EXIT_USAGE, message);
    }

    /** Wrong data, an I/O failure or a difference: exit code 1. */
    static CommandFailure failed(@Nullable String message) {
        return new CommandFailure(Main.EXIT_FAILED, message);
    }

    int exitCode() {
        return exitCode;
    }
}
