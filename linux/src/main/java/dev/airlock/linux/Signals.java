package dev.airlock.linux;

/** What the signals that ask a process to end do to this one. Thread-safe. */
public final class Signals {
    /** {@code asm-generic/signal.h}. */
    private static final int SIGINT = 2;

    private Signals() {}

    /** From now on Ctrl-C does nothing here. */
    public static void ignoreInterrupt() throws LinuxException {
        set(SIGINT, ProcessCalls.SIG_IGN);
    }

    /**
     * From now on SIGTERM and Ctrl-C end the process at once, past the JVM: for a process that is
     * ending already, and was asked again.
     */
    public static void endAtOnce() throws LinuxException {
        set(Privileges.SIGTERM, ProcessCalls.SIG_DFL);
        set(SIGINT, ProcessCalls.SIG_DFL);
    }

    private static void set(int signal, long handler) throws LinuxException {
        long result = ProcessCalls.signal(signal, handler);
        if (result < 0) {
            throw new LinuxException("signal", "number=" + signal, (int) -result);
        }
    }
}
