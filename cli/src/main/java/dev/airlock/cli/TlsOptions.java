package dev.airlock.cli;

import dev.airlock.nbd.CertificateTls;
import dev.airlock.nbd.TlsPolicy;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** TLS for NBD clients, with nbdkit's options. */
final class TlsOptions {
    /** Whether clients may or must use TLS. */
    enum Mode {
        off,
        on,
        require
    }

    @Option(
            names = "--tls",
            paramLabel = "off|on|require",
            description = "whether clients may or must use TLS; default: ${DEFAULT-VALUE}")
    private Mode mode = Mode.off;

    @Option(
            names = "--tls-certificates",
            paramLabel = "DIR",
            description =
                    "with server-cert.pem, server-key.pem (PKCS #8) and, to verify clients, ca-cert.pem")
    private @Nullable Path certificates;

    @Option(
            names = "--tls-verify-peer",
            description = "let only clients in that have a certificate of ca-cert.pem")
    private boolean verifyPeer;

    /** Reads the certificates. */
    TlsPolicy load() {
        Path folder = certificates;
        if (mode == Mode.off) {
            if (folder != null || verifyPeer) {
                throw CommandFailure.usage("TLS is off: give --tls on or --tls require, too");
            }
            return TlsPolicy.OFF;
        }
        if (folder == null) {
            throw CommandFailure.usage("--tls needs --tls-certificates");
        }
        try {
            return CertificateTls.load(folder, mode == Mode.require, verifyPeer);
        } catch (IOException e) {
            throw CommandFailure.usage("cannot use TLS: " + e.getMessage());
        }
    }

    /** What the scheme of a URI must say for a client to use TLS, or nothing. */
    String schemeSuffix() {
        return mode == Mode.require ? "s" : "";
    }
}
