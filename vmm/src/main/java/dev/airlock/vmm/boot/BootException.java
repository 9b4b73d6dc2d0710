package dev.airlock.vmm.boot;

/** What the user gave cannot boot; the message is one line that says why. */
public final class BootException extends Exception {

    private static final long serialVersionUID = 1L;

    public BootException(String message) {
        super(message);
    }
}
