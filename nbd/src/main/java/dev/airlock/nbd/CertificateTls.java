package dev.airlock.nbd;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.airlock.linux.LinuxException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * TLS with X.509 certificates, by JSSE: TLS 1.2 and 1.3. Files are named as for nbdkit: {@code
 * server-cert.pem} with the chain, {@code server-key.pem} in PKCS #8, and {@code ca-cert.pem} for
 * the clients' certificates where those are verified. Thread-safe.
 */
public final class CertificateTls extends TlsPolicy {
    private static final String BEGIN_KEY = "-----BEGIN PRIVATE KEY-----";
    private static final String END_KEY = "-----END PRIVATE KEY-----";
    private static final List<String> KEY_TYPES = List.of("RSA", "EC", "EdDSA");

    private final SSLContext context;
    private final boolean required;
    private final boolean verifyPeer;

    private CertificateTls(SSLContext context, boolean required, boolean verifyPeer) {
        this.context = context;
        this.required = required;
        this.verifyPeer = verifyPeer;
    }

    /**
     * Reads the certificates.
     *
     * @param folder where they are
     * @param required whether clients must use TLS
     * @param verifyPeer whether a client needs a certificate that {@code ca-cert.pem} vouches for
     * @throws IOException when a file is missing or malformed; the message names it
     */
    public static CertificateTls load(Path folder, boolean required, boolean verifyPeer)
            throws IOException {
        try {
            char[] none = new char[0];
            List<Certificate> chain = certificates(folder.resolve("server-cert.pem"));
            PrivateKey key = privateKey(folder.resolve("server-key.pem"));
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(null, none);
            keys.setKeyEntry("server", key, none, chain.toArray(Certificate[]::new));
            KeyManagerFactory keyManagers = KeyManagerFactory.getInstance("PKIX");
            keyManagers.init(keys, none);
            TrustManager[] trust = verifyPeer ? trust(folder.resolve("ca-cert.pem")) : null;
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keyManagers.getKeyManagers(), trust, new SecureRandom());
            return new CertificateTls(context, required, verifyPeer);
        } catch (GeneralSecurityException e) {
            throw new IOException("cannot use the TLS certificates in " + folder + ": " + e, e);
        }
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
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        engine.setNeedClientAuth(verifyPeer);
        engine.setEnabledProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
        TlsTransport encrypted = new TlsTransport(stream.transport(), engine);
        encrypted.handshake(stream);
        stream.upgrade(encrypted);
    }

    private static TrustManager[] trust(Path file) throws IOException, GeneralSecurityException {
        KeyStore authorities = KeyStore.getInstance("PKCS12");
        authorities.load(null, null);
        int number = 0;
        for (Certificate authority : certificates(file)) {
            authorities.setCertificateEntry("ca" + number++, authority);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(authorities);
        return factory.getTrustManagers();
    }

    private static List<Certificate> certificates(Path file)
            throws IOException, GeneralSecurityException {
        try (InputStream in = Files.newInputStream(file)) {
            List<Certificate> all =
                    new ArrayList<>(
                            CertificateFactory.getInstance("X.509").generateCertificates(in));
            if (all.isEmpty()) {
                throw new IOException("no certificate in " + file);
            }
            return all;
        }
    }

    private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
        String text = Files.readString(file, US_ASCII);
        int begin = text.indexOf(BEGIN_KEY);
        int end = text.indexOf(END_KEY);
        if (begin < 0 || end < begin) {
            throw new IOException(
                    "no unencrypted PKCS #8 key in " + file + " (openssl pkcs8 -topk8 -nocrypt)");
        }
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(text.substring(begin + BEGIN_KEY.length(), end));
        } catch (IllegalArgumentException e) {
            throw new IOException("malformed key in " + file, e);
        }
        for (String type : KEY_TYPES) {
            try {
                return KeyFactory.getInstance(type).generatePrivate(new PKCS8EncodedKeySpec(der));
            } catch (InvalidKeySpecException anotherType) {
                continue;
            }
        }
        throw new IOException("a key of an unknown type in " + file);
    }
}
