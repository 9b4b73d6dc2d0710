package dev.airlock.memory;

import java.io.IOException;

/**
 * The guest asked for something of its memory that is malformed or beyond a limit, which the
 * message names.
 */
public final class MemoryRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    MemoryRefusedException(String message) {
        super(message);
    }

    MemoryRefusedException(String message, Throwable cause) {
        super(message, cause);
    }
}
