package dev.airlock.psk;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.airlock.nbd.TlsSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Vector;
import java.util.function.Consumer;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.BasicTlsPSKIdentity;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.PRFAlgorithm;
import org.bouncycastle.tls.PSKTlsClient;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.bouncycastle.tls.crypto.impl.jcajce.JcaTlsCryptoProvider;
import org.jspecify.annotations.Nullable;

/** A TLS client with a key, or without one, that talks to a session without a socket. */
final class TestClient {
    /** What it speaks. */
    enum Version {
        TLS12(
                ProtocolVersion.TLSv12,
                CipherSuite.TLS_DHE_PSK_WITH_AES_128_GCM_SHA256,
                CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
        TLS13(
                ProtocolVersion.TLSv13,
                CipherSuite.TLS_AES_128_GCM_SHA256,
                CipherSuite.TLS_AES_128_GCM_SHA256);

        private final ProtocolVersion version;
        private final int suite;
        private final int suiteWithoutKey;

        Version(ProtocolVersion version, int suite, int suiteWithoutKey) {
            this.version = version;
            this.suite = suite;
            this.suiteWithoutKey = suiteWithoutKey;
        }
    }

    private static final int HEADER_BYTES = 5;

    private final TlsClientProtocol protocol = new TlsClientProtocol();

    /** Changes each record before the server has it. */
    Consumer<byte[]> spoiler = record -> {};

    TestClient(Version version, String user, byte @Nullable [] key) throws IOException {
        TlsCrypto crypto = new JcaTlsCryptoProvider().create(new SecureRandom());
        byte[] known = key == null ? new byte[] {1} : key;
        protocol.connect(
                new PSKTlsClient(crypto, new BasicTlsPSKIdentity(user, known)) {
                    @Override
                    protected ProtocolVersion[] getSupportedVersions() {
                        return version.version.only();
                    }

                    @Override
                    protected int[] getSupportedCipherSuites() {
                        return new int[] {key == null ? version.suiteWithoutKey : version.suite};
                    }

                    @Override
                    @SuppressWarnings("JdkObsolete") // the library's type
                    public @Nullable Vector<TlsPSKExternal> getExternalPSKs() {
                        Vector<TlsPSKExternal> keys = new Vector<>();
                        if (key != null) {
                            keys.add(
                                    new BasicTlsPSKExternal(
                                            user.getBytes(UTF_8),
                                            crypto.createSecret(key.clone()),
                                            PRFAlgorithm.tls13_hkdf_sha256));
                        }
                        return keys.isEmpty() ? null : keys;
                    }
                });
    }

    void handshake(TlsSession session) throws IOException {
        while (protocol.isHandshaking() || session.isHandshaking()) {
            if (give(session) + take(session) == 0) {
                throw new IOException("neither side goes on");
            }
        }
        take(session);
    }

    /** What arrives of it. */
    byte[] sendTo(TlsSession session, byte[] data) throws IOException {
        protocol.writeApplicationData(data, 0, data.length);
        ByteBuffer arrived = ByteBuffer.allocate(data.length);
        while (give(session) > 0) {
            session.read(arrived);
        }
        session.read(arrived);
        return Arrays.copyOf(arrived.array(), arrived.position());
    }

    /** What arrives of it. */
    byte[] receiveFrom(TlsSession session, byte[] data) throws IOException {
        session.write(data, data.length);
        take(session);
        byte[] arrived = new byte[data.length];
        int bytes = protocol.readInput(arrived, 0, arrived.length);
        return Arrays.copyOf(arrived, bytes);
    }

    /** Moves what the client wants to send; bytes. */
    private int give(TlsSession session) throws IOException {
        byte[] all = new byte[protocol.getAvailableOutputBytes()];
        protocol.readOutput(all, 0, all.length);
        for (int at = 0; at < all.length; ) {
            int length = HEADER_BYTES + ByteBuffer.wrap(all).getShort(at + 3);
            byte[] record = Arrays.copyOfRange(all, at, at + length);
            spoiler.accept(record);
            session.accept(record, record.length);
            at += length;
        }
        return all.length;
    }

    /** Moves what the server wants to send; bytes. */
    int take(TlsSession session) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(session.pending());
        session.output(all);
        protocol.offerInput(all.array(), 0, all.position());
        return all.position();
    }
}
