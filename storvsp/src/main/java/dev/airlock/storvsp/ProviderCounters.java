package dev.airlock.storvsp;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a guest did wrong, and other rare events of a device. Thread-safe. Ordinary commands are
 * counted by {@link LunCounters}.
 */
final class ProviderCounters {
    private final AtomicLong invalidPackets = new AtomicLong();
    private final AtomicLong invisiblePages = new AtomicLong();
    private final AtomicLong tooLarge = new AtomicLong();
    private final AtomicLong brokenRings = new AtomicLong();
    private final AtomicLong queueFull = new AtomicLong();
    private final AtomicLong resets = new AtomicLong();

    /** A packet that contradicts itself, or an operation out of its order. */
    void countInvalidPacket() {
        invalidPackets.incrementAndGet();
    }

    /** An SRB that names a page the host does not see. */
    void countInvisible() {
        invisiblePages.incrementAndGet();
    }

    /** An SRB beyond the largest transfer advertised. */
    void countTooLarge() {
        tooLarge.incrementAndGet();
    }

    /** A ring whose indices or packet headers cannot be right. */
    void countBrokenRing() {
        brokenRings.incrementAndGet();
    }

    /** A channel whose contexts were all in use; returns how often before. */
    long countQueueFull() {
        return queueFull.getAndIncrement();
    }

    void countReset() {
        resets.incrementAndGet();
    }

    GuestStatistics snapshot(LunStatistics io, int channels, List<SrbCount> srbs) {
        return new GuestStatistics(
                io,
                channels,
                invalidPackets.get(),
                invisiblePages.get(),
                tooLarge.get(),
                brokenRings.get(),
                queueFull.get(),
                resets.get(),
                srbs);
    }
}
