package dev.airlock.linux;

import java.io.IOException;

/**
 * A system call that failed. The message is {@code CALL name=value... errno=N NAME}, for example
 * {@code open path=/no/such errno=2 ENOENT}. Immutable.
 */
public final class LinuxException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    /**
     * @param call the name of the system call or of the check that failed
     * @param details what it was applied to, as {@code name=value} words
     * @param errno positive error number, see {@link Errno}
     */
    public LinuxException(String call, String details, int errno) {
        super(
                call
                        + (details.isEmpty() ? "" : " " + details)
                        + " errno="
                        + errno
                        + " "
                        + Errno.name(errno));
        this.call = call;
        this.errno = errno;
    }

    /** The system call that failed. */
    public String call() {
        return call;
    }

    /** The positive error number, comparable with the constants of {@link Errno}. */
    public int errno() {
        return errno;
    }
}
