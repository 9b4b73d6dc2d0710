package dev.airlock.storvsp.server;

import java.io.IOException;

/** The host cannot do what its user asked. The message is one line that says why and what to do. */
public final class HostException extends IOException {
    private static final long serialVersionUID = 1L;

    public HostException(String message) {
        super(message);
    }

    public HostException(String message, Throwable cause) {
        super(message, cause);
    }
}
