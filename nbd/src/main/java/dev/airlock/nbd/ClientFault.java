package dev.airlock.nbd;

/** A client broke the protocol, or a limit, and is disconnected. The message is for the log. */
final class ClientFault extends Exception {
    private static final long serialVersionUID = 1L;

    ClientFault(String message) {
        super(message, null, false, false);
    }
}
