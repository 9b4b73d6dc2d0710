package dev.airlock.nbd;

import dev.airlock.linux.LinuxException;

/** Whether connections are encrypted, and how. Thread-safe. */
public interface TlsPolicy {
    /** No TLS at all. */
    TlsPolicy OFF = new Off();

    /** Whether a client may ask for it. */
    boolean isOffered();

    /** Whether a client must ask for it before anything else. */
    boolean isRequired();

    /**
     * Runs the TLS handshake with a client that has been told to begin, and makes the stream go on
     * over it.
     */
    void upgrade(HandshakeStream stream) throws ClientFault, LinuxException;

    /** {@link #OFF}. */
    final class Off implements TlsPolicy {
        private Off() {}

        @Override
        public boolean isOffered() {
            return false;
        }

        @Override
        public boolean isRequired() {
            return false;
        }

        @Override
        public void upgrade(HandshakeStream stream) {
            throw new IllegalStateException("TLS is off");
        }
    }
}
