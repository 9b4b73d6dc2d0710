package dev.airlock.cli;

import dev.airlock.nbd.CertificateTls;
import dev.airlock.nbd.PskSessions;
import dev.airlock.nbd.PskTls;
import dev.airlock.nbd.TlsPolicy;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
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
            description = "whether clients may or must use TLS; default: off, with --tls-psk on")
    private @Nullable Mode mode;

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

    @Option(
            names = "--tls-psk",
            paramLabel = "FILE",
            description =
                    "pre-shared keys in place of certificates: lines USER:HEXKEY, made by psktool")
    private @Nullable Path psk;

    /** Who is told to clients in a URI; null unless they must have a key. */
    private @Nullable String user;

    /** Reads the certificates or the keys. */
    TlsPolicy load() {
        Path keys = psk;
        if (keys != null) {
            return loadKeys(keys);
        }
        Path folder = certificates;
        if (mode == null || mode == Mode.off) {
            if (folder != null || verifyPeer) {
                throw CommandFailure.usage("TLS is off: give --tls on or --tls require, too");
            }
            return TlsPolicy.OFF;
        }
        if (folder == null) {
            throw CommandFailure.usage("--tls needs --tls-certificates or --tls-psk");
        }
        try {
            return CertificateTls.load(folder, mode == Mode.require, verifyPeer);
        } catch (IOException e) {
            throw CommandFailure.usage("cannot use TLS: " + reason(e));
        }
    }

    private TlsPolicy loadKeys(Path file) {
        if (mode == Mode.off) {
            throw CommandFailure.usage("--tls-psk with --tls off: give --tls on or require");
        }
        try {
            if (Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ)) {
                ExportCommand.log("warning: everybody can read the keys in " + file);
            }
            PskSessions sessions = PskFolder.provider().load(file);
            user = mode == Mode.require ? sessions.firstUser() : null;
            return new PskTls(sessions, mode == Mode.require);
        } catch (IOException e) {
            throw CommandFailure.usage("cannot use TLS: " + reason(e));
        }
    }

    /** These exceptions say no more than the file's name. */
    private static @Nullable String reason(IOException failure) {
        return switch (failure) {
            case NoSuchFileException missing -> "no such file: " + missing.getFile();
            case AccessDeniedException denied -> "may not read " + denied.getFile();
            default -> failure.getMessage();
        };
    }

    /** The default export's URI, with what a client needs where TLS is required. */
    String uri(ExportSockets sockets) {
        String scheme = mode == Mode.require ? "nbds" : "nbd";
        Path keys = psk;
        return user == null || keys == null
                ? sockets.uri(scheme, "", "")
                : sockets.uri(scheme, user, keys.toAbsolutePath().toString());
    }
}
