package dev.airlock.nbd;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Poll;
import dev.airlock.storvsc.AdaptiveSpin;
import org.jspecify.annotations.Nullable;

/**
 * What a connection's thread does when there is nothing to do: looks at its ring for a short time
 * that adapts while an answer is near, then sleeps until the socket, the ring or the mailbox has
 * something. For that thread.
 */
final class Idling {
    /** So that a lost wake-up, by a hostile host or otherwise, is a delay and no hang. */
    private static final long SLEEP_MS = 1_000;

    private static final int LOOKS = 8;

    private final Mailbox mailbox;
    private final Transport transport;
    private final Outbox outbox;
    private final AdaptiveSpin spin;
    private final Poll poll = new Poll(3);

    Idling(Mailbox mailbox, Transport transport, Outbox outbox, long spinMaxNanos) {
        this.mailbox = mailbox;
        this.transport = transport;
        this.outbox = outbox;
        this.spin = new AdaptiveSpin(spinMaxNanos);
    }

    /**
     * Waits.
     *
     * @param expecting whether the device is to answer soon
     * @param wantsInput whether more from the client could be taken
     * @param connected whether the client is there at all
     * @return whether the client has sent something
     */
    boolean idle(@Nullable DiskLink link, boolean expecting, boolean wantsInput, boolean connected)
            throws LinuxException {
        if (link != null && expecting && spun(link)) {
            return false;
        }
        // Whoever polls must ask for interrupts before it sleeps, for itself and its neighbours.
        if (link != null && !link.channel().unmaskInterrupts() && !link.channel().isClosed()) {
            link.channel().maskInterrupts();
            return false;
        }
        boolean hasInput = mailbox.beginSleep() && sleep(link, expecting, wantsInput, connected);
        if (link != null) {
            link.channel().maskInterrupts();
        }
        return hasInput;
    }

    private boolean spun(DiskLink link) {
        long nanos = spin.budgetNanos();
        if (nanos == 0) {
            return false;
        }
        long start = System.nanoTime();
        do {
            for (int look = 0; look < LOOKS; look++) {
                if (link.poll()) {
                    spin.paid();
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - start < nanos);
        spin.wasted();
        return false;
    }

    private boolean sleep(
            @Nullable DiskLink link, boolean expecting, boolean wantsInput, boolean connected)
            throws LinuxException {
        poll.clear();
        int wake = poll.add(mailbox.event());
        boolean wantsRoom = outbox.isBlocked() && connected || !transport.drain();
        int socket = -1;
        if (connected && (wantsInput || wantsRoom)) {
            int events = (wantsInput ? Poll.READABLE : 0) | (wantsRoom ? Poll.WRITABLE : 0);
            socket = poll.add(transport.fd(), events);
        }
        EventFd interrupt = link == null ? null : link.interrupt();
        int ring = interrupt != null ? poll.add(interrupt) : -1;
        long start = System.nanoTime();
        boolean any = poll.await(SLEEP_MS) > 0;
        mailbox.endSleep(any && poll.isReadable(wake));
        if (!any) {
            return false;
        }
        if (ring >= 0 && interrupt != null && poll.isReadable(ring)) {
            interrupt.drain();
            if (expecting) {
                spin.slept(System.nanoTime() - start);
            }
        }
        if (socket >= 0 && poll.isWritable(socket)) {
            outbox.unblock();
        }
        return socket >= 0 && poll.isReadable(socket);
    }
}
