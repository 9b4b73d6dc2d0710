package dev.airlock.vmbus;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Poll;
import org.jspecify.annotations.Nullable;

/**
 * The two doorbells of a channel from the point of view of one end: one to ring, one to listen to,
 * and a private one by which this end wakes itself. The first two are shared with the peer, who may
 * steal or suppress any ring; only the private one is certain.
 *
 * <p>Thread-safe but for {@link #await}, which is for one thread at a time. Owns all three. Without
 * doorbells (both null, for one thread that runs both ends) ringing does nothing.
 */
public final class Doorbells implements AutoCloseable {
    private final @Nullable EventFd peer;
    private final @Nullable EventFd own;
    private final EventFd wake;
    private final Poll poll;
    private final int wakeIndex;
    private final int ownIndex;

    /**
     * @param peer rung to wake the peer; owned from now on, also when this throws
     * @param own rung by the peer; likewise
     */
    public Doorbells(@Nullable EventFd peer, @Nullable EventFd own) throws LinuxException {
        this.peer = peer;
        this.own = own;
        try {
            wake = EventFd.create();
        } catch (LinuxException e) {
            closeIfPresent(peer);
            closeIfPresent(own);
            throw e;
        }
        poll = new Poll(2);
        wakeIndex = poll.add(wake);
        ownIndex = own == null ? -1 : poll.add(own);
    }

    /**
     * Rings the peer's doorbell. Does not allocate. A hostile peer can make it block until {@link
     * #silence} or {@link #close}: call it only from threads that serve this peer.
     */
    public void ringPeer() {
        if (peer != null) {
            peer.signal();
        }
    }

    /** Whether whoever rings the peer's doorbell now may block. */
    public boolean isPeerAtLimit() {
        return peer != null && peer.isAtLimit();
    }

    /**
     * Wakes the thread in {@link #await}, now or at its next call. No peer can prevent or steal it.
     */
    public void wake() {
        wake.signal();
    }

    /**
     * Waits until the peer rings or this end wakes itself. Does not allocate.
     *
     * @param timeoutMs 0 returns at once, negative waits without end
     * @return false after the time-out; true otherwise, also when closed
     */
    public boolean await(long timeoutMs) throws LinuxException {
        try {
            if (poll.await(timeoutMs) == 0) {
                return false;
            }
        } catch (IllegalStateException closedMeanwhile) {
            if (wake.isOpen()) {
                throw closedMeanwhile;
            }
            return true;
        }
        if (poll.isReadable(wakeIndex)) {
            wake.drain();
        }
        if (own != null && poll.isReadable(ownIndex)) {
            own.drain();
        }
        return true;
    }

    /**
     * Waits until this end wakes itself, for a thread that leaves the peer's rings to another one.
     * Does not allocate.
     *
     * @return false after the time-out; true otherwise, also when closed
     */
    public boolean awaitWake(long timeoutMs) throws LinuxException {
        return wake.await(timeoutMs) || !wake.isOpen();
    }

    /** The doorbell this end listens to; null without doorbells. Still owned by this object. */
    public @Nullable EventFd own() {
        return own;
    }

    /** Closes the peer's doorbell: whoever is blocked ringing it returns, and rings go nowhere. */
    public void silence() {
        closeIfPresent(peer);
    }

    /** Closes all. Waiting and ringing threads return. */
    @Override
    public void close() {
        silence();
        wake.signal();
        // Not EventFd.close, which drains: a waiter still in poll must find it signalled.
        wake.fd().close();
        closeIfPresent(own);
    }

    private static void closeIfPresent(@Nullable EventFd event) {
        if (event != null) {
            event.close();
        }
    }
}
