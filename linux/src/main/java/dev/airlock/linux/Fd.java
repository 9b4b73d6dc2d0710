package dev.airlock.linux;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * An open file descriptor with one owner, who closes it. Thread-safe.
 *
 * <p>The number is handed back to the kernel only when no call of this module uses it any more: a
 * close during a call on another thread takes effect when that call returns, so a number reused by
 * the kernel is never mistaken for this one. Descriptors are always close-on-exec.
 */
public final class Fd implements AutoCloseable {
    private static final int CLOSED = Integer.MIN_VALUE;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Fd.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int raw;
    private final String what;

    /** Number of calls in progress; with the sign bit set once closed. */
    @SuppressWarnings("unused") // by STATE
    private volatile int state;

    private Fd(int raw, String what) {
        this.raw = raw;
        this.what = what;
    }

    /**
     * Takes ownership of a descriptor.
     *
     * @param raw an open descriptor that nobody else closes
     * @param what a name for messages, such as a path
     */
    public static Fd adopt(int raw, String what) {
        if (raw < 0) {
            throw new IllegalArgumentException("not a descriptor: raw=" + raw + " what=" + what);
        }
        return new Fd(raw, what);
    }

    /**
     * The number, for messages and for passing to code that outlives no close. Throws when closed.
     */
    public int raw() {
        if (!isOpen()) {
            throw closed();
        }
        return raw;
    }

    /** What it was opened as. */
    public String what() {
        return what;
    }

    /** False once {@link #close} was called. */
    public boolean isOpen() {
        return state >= 0;
    }

    /** A second descriptor of the same open file, owned by the caller. */
    public Fd duplicate() throws LinuxException {
        int from = acquire();
        try {
            int copy = FileCalls.fcntl(from, FileCalls.F_DUPFD_CLOEXEC, 0);
            if (copy < 0) {
                throw new LinuxException("fcntl", "operation=F_DUPFD_CLOEXEC " + this, -copy);
            }
            return new Fd(copy, what);
        } finally {
            release();
        }
    }

    /**
     * Closes; a second close does nothing. An error of close(2) is not reported: the descriptor is
     * gone either way.
     */
    @Override
    public void close() {
        int before = (int) STATE.getAndBitwiseOr(this, CLOSED);
        if (before == 0) {
            FileCalls.close(raw);
        }
    }

    @Override
    public String toString() {
        return "fd=" + raw + " what=" + what;
    }

    /** Starts a use of the number, to be ended by {@link #release}. Throws when closed. */
    int acquire() {
        if (!tryAcquire()) {
            throw closed();
        }
        return raw;
    }

    /** As {@link #acquire}, but false when closed. */
    boolean tryAcquire() {
        int users = state;
        while (users >= 0) {
            int seen = (int) STATE.compareAndExchange(this, users, users + 1);
            if (seen == users) {
                return true;
            }
            users = seen;
        }
        return false;
    }

    void release() {
        int before = (int) STATE.getAndAdd(this, -1);
        if (before == CLOSED + 1) {
            FileCalls.close(raw);
        }
    }

    /** The number without a check, between {@link #tryAcquire} and {@link #release}. */
    int held() {
        return raw;
    }

    /** Calls in progress. */
    int users() {
        return state & ~CLOSED;
    }

    private IllegalStateException closed() {
        return new IllegalStateException("descriptor is closed: " + this);
    }
}
