package dev.airlock.vmm.bus;

import dev.airlock.linux.EventFd;
import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.linux.Memfd;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.host.HostChannel;
import dev.airlock.vmbus.transport.FrameSocket;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A channel on offer, and what the host is handed for it while it is open: two doorbells, and the
 * journal. They outlive a host. Changed with {@link VmbusForwarder}'s lock.
 */
final class ForwardedChannel {
    final int relid;
    final int connectionId;
    final int subchannelIndex;
    private volatile int targetCpu;
    private volatile @Nullable Ends ends;

    /** What the host has of an open channel. */
    record Ends(EventFd toHost, EventFd toGuest, Fd journal) {
        static Ends create() throws LinuxException {
            EventFd toHost = EventFd.create();
            EventFd toGuest = null;
            try {
                toGuest = EventFd.create();
                return new Ends(
                        toHost,
                        toGuest,
                        Memfd.create("airlock-journal", HostChannel.JOURNAL_BYTES));
            } catch (LinuxException e) {
                toHost.close();
                if (toGuest != null) {
                    toGuest.close();
                }
                throw e;
            }
        }

        private void close() {
            toHost.close();
            toGuest.close();
            journal.close();
        }
    }

    ForwardedChannel(Offer offer) {
        relid = offer.relid();
        connectionId = offer.connectionId();
        subchannelIndex = offer.subchannelIndex();
    }

    int targetCpu() {
        return targetCpu;
    }

    void setTargetCpu(int cpu) {
        targetCpu = cpu;
    }

    /** Null while it is closed. */
    @Nullable Ends ends() {
        return ends;
    }

    Ends open() throws LinuxException {
        Ends made = Ends.create();
        ends = made;
        return made;
    }

    /** Gives a host what it needs before it is told to open the channel. */
    void handTo(FrameSocket frames) throws IOException {
        Ends now = ends;
        if (now != null) {
            frames.sendJournal(relid, now.journal);
            frames.sendDoorbells(relid, now.toHost.fd(), now.toGuest.fd());
        }
    }

    void close() {
        Ends old = ends;
        ends = null;
        if (old != null) {
            old.close();
        }
    }
}
