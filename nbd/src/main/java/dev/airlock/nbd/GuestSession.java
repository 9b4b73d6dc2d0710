package dev.airlock.nbd;

import dev.airlock.memory.PageAllocator;
import dev.airlock.storvsc.LunFacts;
import dev.airlock.storvsc.StorvscChannel;
import dev.airlock.storvsc.guest.StorageGuest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A guest that connections use until its host has gone; its memory stays until the last of them has
 * let it go, since replies may still be sent from it. Thread-safe.
 */
final class GuestSession {
    private final StorageGuest guest;
    private final Function<LunFacts, String> naming;
    private int users = 1;
    private int nextChannel;

    /** Buffers that connections have left, the latest last: its pages are warm. */
    private final List<Long> leftBuffers = new ArrayList<>();

    private volatile boolean retired;

    /**
     * @param guest owned from now on
     * @param naming what an export is called
     */
    GuestSession(StorageGuest guest, Function<LunFacts, String> naming) {
        this.guest = guest;
        this.naming = naming;
    }

    StorageGuest guest() {
        return guest;
    }

    /** The disks there are now, in order: the first is the default export. */
    List<LunFacts> disks() {
        return guest.adapter().luns();
    }

    String nameOf(LunFacts disk) {
        return naming.apply(disk);
    }

    /** The disk of a name, the first one for the empty name; null when there is none. */
    @Nullable LunFacts find(String name) {
        for (LunFacts disk : disks()) {
            if (name.isEmpty() || name.equals(nameOf(disk))) {
                return disk;
            }
        }
        return null;
    }

    /** A channel for one more connection, each in turn. */
    synchronized StorvscChannel nextChannel() {
        List<StorvscChannel> channels = guest.adapter().channels();
        return Objects.requireNonNull(channels.get(nextChannel++ % channels.size()));
    }

    /**
     * A connection's buffers: guest memory that the host can see.
     *
     * @param bytes the same for every connection
     * @return where; {@link PageAllocator#NONE} when there is no memory left
     */
    synchronized long takeBuffers(long bytes) {
        return leftBuffers.isEmpty()
                ? guest.memory().visiblePages().allocate(bytes, 1)
                : leftBuffers.removeLast();
    }

    /** Nobody refers to the buffers any more, and no client's data is in them. */
    synchronized void leaveBuffers(long gpa) {
        leftBuffers.add(gpa);
    }

    /** One more user; false when there will be no more. */
    synchronized boolean retain() {
        if (retired) {
            return false;
        }
        users++;
        return true;
    }

    /** One user less; the last one closes the guest. */
    void release() {
        boolean isLast;
        synchronized (this) {
            users--;
            isLast = users == 0;
        }
        if (isLast) {
            guest.close();
        }
    }

    /** No connection is to use it any more; the server's own use ends. */
    void retire() {
        synchronized (this) {
            if (retired) {
                return;
            }
            retired = true;
        }
        release();
    }

    boolean isRetired() {
        return retired;
    }
}
