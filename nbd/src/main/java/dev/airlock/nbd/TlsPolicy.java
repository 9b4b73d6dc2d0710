package dev.airlock.nbd;

import dev.airlock.linux.LinuxException;

/** Whether connections are encrypted, and how. Thread-safe. */
public abstract class TlsPolicy {
    /** No TLS at all. */
    public static final TlsPolicy OFF = new Off();

    TlsPolicy() {}

    /** Whether a client may ask for it. */
    public abstract boolean isOffered();

    /** Whether a client must ask for it before anything else. */
    public abstract boolean isRequired();

    /**
     * Runs the TLS handshake with a client that has been told to begin, and makes the stream go on
     * over it.
     */
    abstract void upgrade(HandshakeStream stream) throws ClientFault, LinuxException;

    private static final class Off extends TlsPolicy {
        @Override
        public boolean isOffered() {
            return false;
        }

        @Override
        public boolean isRequired() {
            return false;
        }

        @Override
        void upgrade(HandshakeStream stream) {
            throw new IllegalStateException("TLS is off");
        }
    }
}
