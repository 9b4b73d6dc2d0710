package dev.airlock.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code airlock export} over TLS with certificates, against GnuTLS in libnbd and qemu. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ExportTlsTest {
    /** A certificate authority, and a server and a client that it vouches for. */
    private static final String MAKE =
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca \
              -keyout ca-key.pem -out ca-cert.pem -addext basicConstraints=critical,CA:TRUE
            for who in server client; do
              openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
                -keyout $who-key.pem -out $who.csr
              printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' > ext
              openssl x509 -req -in $who.csr -CA ca-cert.pem -CAkey ca-key.pem -CAcreateserial -days 2 \
                -extfile ext -out $who-cert.pem
            done
            mkdir stranger; cp ca-cert.pem stranger
            """;

    @TempDir private Path folder;

    @BeforeEach
    void makeCertificates() throws Exception {
        var made = ExportRig.run(folder, "", MAKE);
        assertThat(made.exitCode()).as(made.text()).isZero();
    }

    private String client(String place, String more) {
        return "nbds://localhost:" + place.replaceAll(".*:", "") + "/?tls-certificates=" + more;
    }

    @Test
    void shouldCopyEncryptedAndRefuseWhatIsPlain() throws Exception {
        Path disk = ExportRig.image(folder, "a.img", 40 << 20);
        try (var export =
                AirlockProcess.start(
                        "export",
                        "--tcp",
                        "0",
                        "--tls",
                        "require",
                        "--tls-certificates",
                        folder,
                        disk)) {
            String place = export.awaitErrorLine("ready ");
            String uri = client(place, folder.toString());
            byte[] data = new byte[40 << 20];
            new Random(3).nextBytes(data);
            Files.write(folder.resolve("in.img"), data);
            var in =
                    ExportRig.run(folder, uri, "nbdcopy --flush in.img \"$U\" && cmp in.img a.img");
            assertThat(in.exitCode()).as("%s; %s", in.text(), export.errors()).isZero();
            var out = ExportRig.run(folder, uri, "nbdcopy \"$U\" out.img && cmp in.img out.img");
            assertThat(out.exitCode()).as("%s; %s", out.text(), export.errors()).isZero();
            var info = ExportRig.run(folder, uri, "nbdinfo \"$U\"");
            assertThat(info.text()).contains("with TLS");
            String plain = uri.replace("nbds:", "nbd:").replaceAll("\\?.*", "");
            assertThat(ExportRig.run(folder, plain, "nbdinfo \"$U\"").exitCode()).isNotZero();
            export.terminate();
            assertThat(export.await().exitCode()).isZero();
        }
    }

    @Test
    void shouldLetOnlyClientsInThatHaveACertificate() throws Exception {
        try (var export =
                AirlockProcess.start(
                        "export",
                        "--tcp",
                        "0",
                        "--tls",
                        "on",
                        "--tls-certificates",
                        folder,
                        "--tls-verify-peer",
                        "mem:1M")) {
            String place = export.awaitErrorLine("ready ");
            String known = client(place, folder.toString());
            assertThat(ExportRig.run(folder, known, "nbdinfo --size \"$U\"").text().strip())
                    .isEqualTo("1048576");
            String stranger = client(place, folder + "/stranger");
            assertThat(ExportRig.run(folder, stranger, "nbdinfo --size \"$U\"").exitCode())
                    .isNotZero();
            assertThat(export.awaitErrorLine("airlock: export: client")).contains("TLS");
            // On, not required: without TLS as before.
            String plain = known.replace("nbds:", "nbd:").replaceAll("\\?.*", "");
            assertThat(ExportRig.run(folder, plain, "nbdinfo --size \"$U\"").text().strip())
                    .isEqualTo("1048576");
        }
    }

    @Test
    void shouldSayWhatIsWrongWithCertificates() throws Exception {
        for (Object[] arguments :
                new Object[][] {
                    {"export", "--tcp", "0", "--tls", "on", "mem:1M"},
                    {"export", "--tcp", "0", "--tls-certificates", folder, "mem:1M"},
                    {
                        "export",
                        "--tcp",
                        "0",
                        "--tls",
                        "on",
                        "--tls-certificates",
                        folder + "/stranger",
                        "mem:1M"
                    },
                }) {
            var result = AirlockProcess.run(arguments);
            assertThat(result.exitCode()).as(result.errors()).isEqualTo(2);
            assertThat(result.errors().lines()).hasSize(1);
        }
    }
}
