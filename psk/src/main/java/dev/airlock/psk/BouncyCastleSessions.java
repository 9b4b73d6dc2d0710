package dev.airlock.psk;

import dev.airlock.nbd.PskSessions;
import dev.airlock.nbd.TlsSession;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.bouncycastle.tls.crypto.impl.jcajce.JcaTlsCryptoProvider;

/**
 * Makes sessions of TLS 1.3 with an external key and of TLS 1.2, always with an ephemeral key
 * exchange. The service's provider. Thread-safe.
 */
public final class BouncyCastleSessions implements PskSessions.Provider {
    /** For the service loader. */
    public BouncyCastleSessions() {}

    @Override
    public PskSessions load(Path file) throws IOException {
        return new Loaded(
                PskKeys.load(file), new JcaTlsCryptoProvider().create(new SecureRandom()));
    }

    private record Loaded(PskKeys keys, TlsCrypto crypto) implements PskSessions {
        @Override
        public TlsSession open() throws IOException {
            return new PskSession(crypto, new PskLookup(keys));
        }

        @Override
        public String firstUser() {
            return keys.firstUser();
        }
    }
}
