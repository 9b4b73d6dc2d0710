package dev.airlock.nbd;

import java.io.IOException;
import java.nio.file.Path;

/** TLS sessions for clients that have one of a file's pre-shared keys. Thread-safe. */
public interface PskSessions {
    /** A session for a new client. */
    TlsSession open() throws IOException;

    /** The user that the file names first. */
    String firstUser();

    /** The service by which an implementation is found. */
    interface Provider {
        /**
         * Reads keys.
         *
         * @param file lines {@code USER:HEXKEY}, as GnuTLS' psktool makes it
         * @throws IOException when it cannot be read or is malformed; the message names it and
         *     holds no secret
         */
        PskSessions load(Path file) throws IOException;
    }
}
