package dev.airlock.psk;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.airlock.nbd.PskSessions;
import dev.airlock.nbd.TlsSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsFatalAlertReceived;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The server's side of TLS with a pre-shared key against a client in the same process. */
class PskSessionTest {
    private static final byte[] KEY = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

    @TempDir private Path folder;
    private PskSessions sessions;

    @BeforeEach
    void load() throws IOException {
        Path file = folder.resolve("keys.psk");
        Files.writeString(file, "alice:0102030405060708090a0b0c0d0e0f10\n");
        sessions = new BouncyCastleSessions().load(file);
    }

    @ParameterizedTest
    @EnumSource
    void shouldCarryDataBothWays(TestClient.Version version) throws IOException {
        TlsSession session = sessions.open();
        TestClient client = new TestClient(version, "alice", KEY);
        client.handshake(session);
        assertThat(session.isHandshaking()).isFalse();
        assertThat(session.client()).isEqualTo("as user \"alice\"");
        byte[] data = new byte[100_000];
        new Random(5).nextBytes(data);
        assertThat(client.sendTo(session, data)).isEqualTo(data);
        assertThat(client.receiveFrom(session, data)).isEqualTo(data);
        session.close();
        assertThat(session.isClosed()).isTrue();
        assertThat(session.pending()).isPositive();
    }

    @ParameterizedTest
    @EnumSource
    void shouldTellAWrongKeyAndAnUnknownUserAlike(TestClient.Version version) throws IOException {
        TlsSession wrong = sessions.open();
        short ofWrong = alert(wrong, new TestClient(version, "alice", new byte[] {1, 2}));
        assertThat(wrong.client()).isEqualTo("as user \"alice\"");
        TlsSession unknown = sessions.open();
        short ofUnknown = alert(unknown, new TestClient(version, "m\"al\nlory", KEY));
        assertThat(unknown.client()).isEqualTo("as unknown user \"m?al?lory\"");
        assertThat(ofUnknown).isEqualTo(ofWrong);
        assertThat(ofWrong).isIn(AlertDescription.bad_record_mac, AlertDescription.decrypt_error);
    }

    /** What the server refuses the client with; the client must have been told the same. */
    private static short alert(TlsSession session, TestClient client) {
        TlsFatalAlert refusal =
                catchThrowableOfType(TlsFatalAlert.class, () -> client.handshake(session));
        TlsFatalAlertReceived told =
                catchThrowableOfType(TlsFatalAlertReceived.class, () -> client.take(session));
        assertThat(told.getAlertDescription()).isEqualTo(refusal.getAlertDescription());
        return refusal.getAlertDescription();
    }

    @ParameterizedTest
    @EnumSource
    void shouldRefuseAClientWithoutAKey(TestClient.Version version) throws IOException {
        TlsSession session = sessions.open();
        TestClient client = new TestClient(version, "", null);
        assertThatThrownBy(() -> client.handshake(session)).isInstanceOf(IOException.class);
        assertThat(session.isClosed()).isTrue();
    }

    @Test
    void shouldRefuseARecordThatIsTooLongByItsHeader() throws IOException {
        TlsSession session = sessions.open();
        byte[] header = {22, 3, 1, (byte) 0xff, (byte) 0xff};
        assertThatThrownBy(() -> session.accept(header, header.length))
                .isInstanceOf(IOException.class);
        assertThat(session.isClosed()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void shouldSurviveWhateverAClientSends(TestClient.Version version) throws IOException {
        long seed = Long.getLong("airlock.seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        int refused = 0;
        for (int round = 0; round < 200; round++) {
            TlsSession session = sessions.open();
            TestClient client = new TestClient(version, "alice", KEY);
            client.spoiler =
                    record -> {
                        int flips = random.nextInt(3);
                        for (int flip = 0; flip < flips; flip++) {
                            record[random.nextInt(record.length)] ^=
                                    (byte) (1 << random.nextInt(8));
                        }
                    };
            try {
                client.handshake(session);
                client.sendTo(session, "hello".getBytes(UTF_8));
            } catch (IOException malformed) {
                refused++;
                ByteBuffer rest = ByteBuffer.allocate(1 << 16);
                session.output(rest);
                session.close();
            }
        }
        assertThat(refused).as("seed=%d", seed).isPositive();
    }
}
