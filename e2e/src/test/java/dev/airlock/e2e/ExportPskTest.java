package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code airlock export} over TLS with pre-shared keys, against GnuTLS in libnbd and qemu. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ExportPskTest {
    private static final int BYTES = 40 << 20;

    @TempDir private Path folder;

    @BeforeEach
    void makeKeys() throws Exception {
        var made =
                ExportRig.run(
                        folder, "", "psktool -u alice -p keys.psk; psktool -u bob -p keys.psk");
        assertThat(made.exitCode()).as(made.text()).isZero();
    }

    private String uri(String user, String keys) {
        return "nbds+unix://%s@/?socket=%s/nbd.sock&tls-psk-file=%s/%s"
                .formatted(user, folder, folder, keys);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tls1.3", "tls1.2"})
    void shouldCopyEncryptedAndRefuseWhatIsPlain(String version) throws Exception {
        // GnuTLS' clients take the newest that both know; which, is decided by a file of its own.
        Path config = folder.resolve("gnutls");
        boolean isNewest = version.equals("tls1.3");
        Files.writeString(config, isNewest ? "" : "[overrides]\ndisabled-version = tls1.3\n");
        String with = "env GNUTLS_SYSTEM_PRIORITY_FILE=" + config + " ";
        Path disk = ExportRig.image(folder, "a.img", BYTES);
        try (var rig =
                ExportRig.start(
                        folder, "--tls", "require", "--tls-psk", folder + "/keys.psk", disk)) {
            byte[] data = new byte[BYTES];
            new Random(3).nextBytes(data);
            Files.write(folder.resolve("in.img"), data);
            for (String script :
                    List.of(
                            "nbdcopy --flush in.img \"$U\" && cmp in.img a.img",
                            "nbdcopy \"$U\" out.img && cmp in.img out.img",
                            "nbdinfo \"$U\" | grep 'with TLS'")) {
                var said = ExportRig.run(folder, uri("bob", "keys.psk"), with + script);
                assertThat(said.exitCode())
                        .as("%s: %s; %s", script, said.text(), rig.export.errors())
                        .isZero();
            }
            assertThat(rig.run("nbdinfo \"$U\"").exitCode()).isNotZero();
            // What was agreed on, as GnuTLS tells it.
            String told =
                    ExportRig.run(
                                    folder,
                                    uri("bob", "keys.psk"),
                                    with + "GNUTLS_DEBUG_LEVEL=9 nbdinfo --size \"$U\"")
                            .text();
            assertThat(told)
                    .contains(
                            isNewest
                                    ? "Selected cipher suite: GNUTLS_AES_128_GCM_SHA256"
                                    : "Selected cipher suite: GNUTLS_DHE_PSK_AES");
            rig.end();
        }
    }

    @Test
    void shouldServeQemuWithACredentialsObject() throws Exception {
        try (var rig =
                ExportRig.start(
                        folder, "--tls", "require", "--tls-psk", folder + "/keys.psk", "mem:8M")) {
            String said =
                    rig.succeed(
                            "qemu-img info --object"
                                    + " tls-creds-psk,id=tls0,dir=.,username=alice,endpoint=client"
                                    + " --image-opts driver=nbd,server.type=unix,"
                                    + "server.path=nbd.sock,tls-creds=tls0");
            assertThat(said).contains("8 MiB");
            rig.end();
        }
    }

    @Test
    void shouldRefuseWrongKeysAndUnknownUsersWithOneLineEach() throws Exception {
        Files.writeString(folder.resolve("wrong.psk"), "alice:00112233\neve:22334455\n");
        // On, which --tls-psk means where --tls says nothing.
        try (var rig = ExportRig.start(folder, "--tls-psk", folder + "/keys.psk", "mem:1M")) {
            for (String user : List.of("alice", "eve")) {
                var said = ExportRig.run(folder, uri(user, "wrong.psk"), "nbdinfo --size \"$U\"");
                assertThat(said.exitCode()).as(said.text()).isNotZero();
            }
            assertThat(rig.export.awaitErrorLine("airlock: export: client 1 "))
                    .contains("failed the TLS handshake as user \"alice\"");
            assertThat(rig.export.awaitErrorLine("airlock: export: client 2 "))
                    .contains("failed the TLS handshake as unknown user \"eve\"");
            var good = ExportRig.run(folder, uri("bob", "keys.psk"), "nbdinfo --size \"$U\"");
            assertThat(good.text().strip()).isEqualTo("1048576");
            assertThat(rig.succeed("nbdinfo --size \"$U\"").strip()).isEqualTo("1048576");
            rig.end();
            assertThat(rig.export.errors().lines()).hasSize(3);
        }
    }

    @Test
    void shouldEndAHandshakeThatDoesNot() throws Exception {
        try (var rig =
                ExportRig.start(
                        folder,
                        "--handshake-timeout",
                        "0.5",
                        "--tls-psk",
                        folder + "/keys.psk",
                        "mem:1M")) {
            // STARTTLS, half a record, silence: the server ends it.
            rig.succeed(
                    """
                    python3 -c '
                    import os, socket
                    s = socket.socket(socket.AF_UNIX); s.connect("nbd.sock")
                    s.recv(18); s.sendall(bytes([0, 0, 0, 3]) + b"IHAVEOPT" + bytes([0, 0, 0, 5, 0, 0, 0, 0]))
                    s.recv(20); s.sendall(bytes([22, 3, 1, 1, 0, 1]))
                    while s.recv(1000): pass
                    '\
                    """);
            assertThat(rig.export.awaitErrorLine("airlock: export: client 1 ")).contains("in time");
            rig.end();
        }
    }

    @Test
    void shouldGiveARunCommandAUriThatWorks() throws Exception {
        var run =
                AirlockProcess.run(
                        "export",
                        "--tls",
                        "require",
                        "--tls-psk",
                        folder + "/keys.psk",
                        "--run",
                        "nbdinfo --size \"$uri\"",
                        "mem:3M");
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.output().strip()).isEqualTo("3145728");
    }

    @Test
    void shouldWarnOfKeysThatEverybodyCanRead() throws Exception {
        Path keys = folder.resolve("keys.psk");
        Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-r--r--"));
        var run = AirlockProcess.run("export", "--tls-psk", keys, "--run", "true", "mem:1M");
        assertThat(run.exitCode()).as(run.errors()).isZero();
        assertThat(run.errors()).contains("everybody can read the keys in " + keys);
    }

    @Test
    void shouldSayWhatIsWrongWithKeys() throws Exception {
        Files.writeString(folder.resolve("bad.psk"), "alice:nothex\n");
        for (Object[] arguments :
                new Object[][] {
                    {"export", "--tcp", "0", "--tls-psk", folder + "/missing", "mem:1M"},
                    {"export", "--tcp", "0", "--tls-psk", folder + "/bad.psk", "mem:1M"},
                    {
                        "export",
                        "--tcp",
                        "0",
                        "--tls",
                        "off",
                        "--tls-psk",
                        folder + "/keys.psk",
                        "mem:1M"
                    },
                }) {
            var result = AirlockProcess.run(arguments);
            assertThat(result.exitCode()).as(result.errors()).isEqualTo(2);
            assertThat(
                            result.errors()
                                    .lines()
                                    .filter(line ->
                                            line.startsWith("airlock: cannot")
                                                    || line.startsWith("airlock: --tls")))
                    .as(result.errors())
                    .hasSize(1);
        }
    }
}
