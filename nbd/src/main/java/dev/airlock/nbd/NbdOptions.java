package dev.airlock.nbd;

import java.util.function.Consumer;

/**
 * How a server deals with its clients. Immutable.
 *
 * @param readOnly whether every export is read-only, whatever its disk is
 * @param connectionsMax clients at a time, handshakes included; more are refused
 * @param requestsPerConnection requests that one client has under way; more wait in its socket
 * @param bytesPerConnection guest memory of one client's requests, whole pages; more wait likewise
 * @param handshakeTimeoutMs how long a handshake may take
 * @param spinMaxNanos longest time that a connection looks for answers before it sleeps
 * @param log one line for each refusal and each thing that goes wrong; called by any thread
 */
public record NbdOptions(
        boolean readOnly,
        int connectionsMax,
        int requestsPerConnection,
        long bytesPerConnection,
        long handshakeTimeoutMs,
        long spinMaxNanos,
        Consumer<String> log) {
    /** One request of the largest size, with its neighbours, and as much again for small ones. */
    private static final long BYTES_MIN = RequestCheck.PAYLOAD_BYTES_MAX + (1L << 20);

    private static final int PAGE = 4096;

    /** Checks the ranges. */
    public NbdOptions {
        require("connectionsMax", connectionsMax, 1, 1024);
        require("requestsPerConnection", requestsPerConnection, 1, 1024);
        require("bytesPerConnection", bytesPerConnection, BYTES_MIN, 1L << 30);
        require("handshakeTimeoutMs", handshakeTimeoutMs, 1, 3_600_000);
        require("spinMaxNanos", spinMaxNanos, 0, 1_000_000);
        if (bytesPerConnection % PAGE != 0) {
            throw new IllegalArgumentException("bytesPerConnection=" + bytesPerConnection);
        }
    }

    /** 16 clients with 128 requests in 33 MiB each, 10 s for a handshake. */
    public static NbdOptions standard(Consumer<String> log) {
        return new NbdOptions(false, 16, 128, BYTES_MIN, 10_000, 50_000, log);
    }

    /** The same, every export read-only or as its disk is. */
    public NbdOptions withReadOnly(boolean only) {
        return new NbdOptions(
                only,
                connectionsMax,
                requestsPerConnection,
                bytesPerConnection,
                handshakeTimeoutMs,
                spinMaxNanos,
                log);
    }

    /** The same for another number of clients. */
    public NbdOptions withConnectionsMax(int clients) {
        return new NbdOptions(
                readOnly,
                clients,
                requestsPerConnection,
                bytesPerConnection,
                handshakeTimeoutMs,
                spinMaxNanos,
                log);
    }

    /** The same with another time for a handshake. */
    public NbdOptions withHandshakeTimeoutMs(long milliseconds) {
        return new NbdOptions(
                readOnly,
                connectionsMax,
                requestsPerConnection,
                bytesPerConnection,
                milliseconds,
                spinMaxNanos,
                log);
    }

    /** Guest memory for all clients together: what the guest must have on top of its own needs. */
    public long guestBytes() {
        return connectionsMax * bytesPerConnection;
    }

    private static void require(String name, long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    "%s must be in [%d, %d]: %s=%d".formatted(name, least, most, name, value));
        }
    }
}
