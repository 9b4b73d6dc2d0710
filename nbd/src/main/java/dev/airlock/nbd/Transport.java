package dev.airlock.nbd;

import dev.airlock.linux.Fd;
import dev.airlock.linux.SocketVector;

/** A client's byte stream, plain or encrypted. Never blocks. For one thread. */
interface Transport extends AutoCloseable {
    /**
     * Receives what is there into the pieces, in their order.
     *
     * @return bytes; 0 at the end of the stream; or a negative errno, {@code -EAGAIN} when nothing
     *     is there
     */
    long receive(SocketVector into);

    /**
     * Takes as much of the pieces as there is room for; their memory is the caller's again.
     *
     * @return bytes, or a negative errno, {@code -EAGAIN} when there is no room
     */
    long send(SocketVector from);

    /** What to wait for when either said {@code -EAGAIN}. Not the caller's to close. */
    Fd fd();

    /** Whether {@link #receive} has something although the descriptor may be silent. */
    boolean hasInput();

    /**
     * Sends on what {@link #send} took and has not sent yet.
     *
     * @return false when the descriptor must become writable first
     */
    boolean drain();

    /** Ends the stream as its protocol wants it, as far as that takes no waiting, and closes. */
    @Override
    void close();
}
