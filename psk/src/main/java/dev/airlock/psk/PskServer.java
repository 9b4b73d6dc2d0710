package dev.airlock.psk;

import java.util.Vector;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.PRFAlgorithm;
import org.bouncycastle.tls.PSKTlsServer;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.PskIdentity;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.TlsUtils;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.jspecify.annotations.Nullable;

/** The server's side of one TLS session with a pre-shared key: what it agrees to. */
final class PskServer extends PSKTlsServer {
    /**
     * AEAD with an ephemeral exchange only. The suites of TLS 1.3 are those of SHA-256, the hash
     * that an external key has where nothing else is agreed on (RFC 8446, 4.2.11).
     */
    private static final int[] SUITES = {
        CipherSuite.TLS_AES_128_GCM_SHA256,
        CipherSuite.TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384,
        CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256,
        CipherSuite.TLS_DHE_PSK_WITH_AES_256_GCM_SHA384,
        CipherSuite.TLS_DHE_PSK_WITH_AES_128_GCM_SHA256,
    };

    private final PskLookup lookup;

    PskServer(TlsCrypto crypto, PskLookup lookup) {
        super(crypto, lookup);
        this.lookup = lookup;
    }

    @Override
    protected ProtocolVersion[] getSupportedVersions() {
        return ProtocolVersion.TLSv13.downTo(ProtocolVersion.TLSv12);
    }

    @Override
    protected int[] getSupportedCipherSuites() {
        return TlsUtils.getSupportedCipherSuites(getCrypto(), SUITES);
    }

    /**
     * TLS 1.3: the first key that the client offers; it offers one unless it has sessions to
     * resume.
     */
    @Override
    @SuppressWarnings("JdkObsolete") // the interface's type
    public @Nullable TlsPSKExternal getExternalPSK(Vector identities) {
        if (identities.isEmpty()) {
            return null;
        }
        byte[] identity = ((PskIdentity) identities.getFirst()).getIdentity();
        return new BasicTlsPSKExternal(
                identity,
                getCrypto().createSecret(lookup.getPSK(identity)),
                PRFAlgorithm.tls13_hkdf_sha256);
    }
}
