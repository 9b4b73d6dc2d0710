package dev.airlock.nest;

import java.io.IOException;

/**
 * The machine lacks something that a nested run needs, or a tool failed: the message is one line
 * for the user and says what to do where that is known.
 */
public final class NestException extends IOException {
    private static final long serialVersionUID = 1L;

    NestException(String message) {
        super(message);
    }

    NestException(String message, Throwable cause) {
        super(message, cause);
    }
}
