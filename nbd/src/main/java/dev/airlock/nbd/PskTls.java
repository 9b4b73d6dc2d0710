package dev.airlock.nbd;

import dev.airlock.linux.LinuxException;
import java.io.IOException;

/** TLS with pre-shared keys, which JSSE lacks: whoever has a user's key is let in. Thread-safe. */
public final class PskTls extends TlsPolicy {
    private final PskSessions sessions;
    private final boolean required;

    /**
     * @param required whether clients must use TLS
     */
    public PskTls(PskSessions sessions, boolean required) {
        this.sessions = sessions;
        this.required = required;
    }

    @Override
    public boolean isOffered() {
        return true;
    }

    @Override
    public boolean isRequired() {
        return required;
    }

    @Override
    void upgrade(HandshakeStream stream) throws ClientFault, LinuxException {
        TlsSession session;
        try {
            session = sessions.open();
        } catch (IOException e) {
            throw new ClientFault("has no TLS: " + e.getMessage());
        }
        RecordTransport encrypted = new RecordTransport(stream.transport(), session);
        encrypted.handshake(stream);
        stream.upgrade(encrypted);
    }
}
