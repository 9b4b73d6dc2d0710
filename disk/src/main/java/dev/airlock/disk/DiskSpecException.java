package dev.airlock.disk;

import java.io.IOException;

/**
 * A DISK argument cannot be served: its words are wrong, or the file, its size, its permissions,
 * its lock or its format are in the way. The message is one line for the user, names the values
 * ({@code name=value}) and says what to do.
 */
public final class DiskSpecException extends IOException {
    private static final long serialVersionUID = 1L;

    /** With the line for the user. */
    public DiskSpecException(String message) {
        super(message);
    }

    /** With the line for the user and what lies behind it. */
    public DiskSpecException(String message, Throwable cause) {
        super(message, cause);
    }
}
