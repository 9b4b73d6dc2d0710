/** TLS with pre-shared keys for the NBD server, by Bouncy Castle's TLS over the JDK's ciphers. */
@org.jspecify.annotations.NullMarked
module dev.airlock.psk {
    requires static org.jspecify;
    requires transitive dev.airlock.nbd;
    requires org.bouncycastle.tls;

    exports dev.airlock.psk;

    provides dev.airlock.nbd.PskSessions.Provider with
            dev.airlock.psk.BouncyCastleSessions;
}
