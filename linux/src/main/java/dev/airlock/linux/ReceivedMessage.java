package dev.airlock.linux;

import java.util.ArrayList;
import java.util.List;

/**
 * What {@link UnixSocket#receive} returned. Owns the descriptors that came with a message until
 * they are taken; {@link #close} closes the rest. For one thread.
 */
public final class ReceivedMessage implements AutoCloseable {
    static final ReceivedMessage TIMED_OUT = new ReceivedMessage(0, List.of());
    static final ReceivedMessage CLOSED = new ReceivedMessage(-1, List.of());

    private final int length;
    private final List<Fd> fds;

    private ReceivedMessage(int length, List<Fd> fds) {
        this.length = length;
        this.fds = fds;
    }

    static ReceivedMessage of(int length, List<Fd> fds) {
        return new ReceivedMessage(length, new ArrayList<>(fds));
    }

    /** Whether a message arrived: {@link #length} bytes of it are in the buffer. */
    public boolean isMessage() {
        return length > 0;
    }

    /** Whether nothing came in time. */
    public boolean isTimedOut() {
        return length == 0;
    }

    /**
     * Whether nothing will come any more: the peer has closed its end, or this end was shut down.
     */
    public boolean isClosed() {
        return length < 0;
    }

    /** Bytes of the message, 0 if there is none. */
    public int length() {
        return Math.max(length, 0);
    }

    /** Descriptors that came with it and were not taken yet. */
    public int fdCount() {
        return fds.size();
    }

    /**
     * Hands the next descriptor, in the order they were sent, to the caller, who owns it from now
     * on.
     */
    public Fd takeFd() {
        if (fds.isEmpty()) {
            throw new IllegalStateException("no descriptor left in the message");
        }
        return fds.removeFirst();
    }

    /** Closes what was not taken. */
    @Override
    public void close() {
        for (Fd fd : fds) {
            fd.close();
        }
        if (!fds.isEmpty()) {
            fds.clear();
        }
    }
}
