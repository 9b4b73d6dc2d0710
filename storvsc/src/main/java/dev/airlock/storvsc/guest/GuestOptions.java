package dev.airlock.storvsc.guest;

import dev.airlock.dma.DmaLimits;
import dev.airlock.dma.SwiotlbOptions;
import dev.airlock.memory.HvPage;
import dev.airlock.storvsc.StorvscOptions;
import dev.airlock.vmbus.guest.GuestBusOptions;

/**
 * What a {@link StorageGuest} is made of. Immutable.
 *
 * @param isolated whether the host sees only the visible part of the memory; if not, it sees all,
 *     and nothing is copied
 * @param privateBytes memory for the guest's own buffers, whole pages
 * @param visibleBytes host-visible memory of an isolated guest: bounce pool, its growth, rings and
 *     other coherent allocations; whole pages. A guest that is not isolated has as much memory in
 *     all
 * @param swiotlb the bounce pool, used by an isolated guest, or by any in mode FORCE
 * @param storvsc the driver
 * @param queueDepth commands in flight for each disk
 * @param bus how it deals with its host's control messages
 * @param dma what the adapter asks of the DMA API, and the guest's page size; {@link
 *     DmaLimits#STORVSC} unless something is to be learnt from another
 */
public record GuestOptions(
        boolean isolated,
        long privateBytes,
        long visibleBytes,
        SwiotlbOptions swiotlb,
        StorvscOptions storvsc,
        int queueDepth,
        GuestBusOptions bus,
        DmaLimits dma) {
    private static final long POOL_BYTES = 16L << 20;
    private static final long RINGS_BYTES = 8L << 20;

    /** Checks sizes; the parts check themselves. */
    public GuestOptions {
        requirePages("privateBytes", privateBytes);
        requirePages("visibleBytes", visibleBytes);
        if (queueDepth < 1 || queueDepth > 1024) {
            throw new IllegalArgumentException("queueDepth must be in [1, 1024]: " + queueDepth);
        }
    }

    /** 96 MiB of private memory, a pool of 16 MiB, 8 MiB for rings; the driver's defaults. */
    public static GuestOptions standard(boolean isolated) {
        return new GuestOptions(
                isolated,
                96L << 20,
                POOL_BYTES + RINGS_BYTES,
                SwiotlbOptions.DEFAULTS.withPoolBytes(POOL_BYTES),
                new StorvscOptions(),
                128,
                GuestBusOptions.DEFAULT,
                DmaLimits.STORVSC);
    }

    /** The same with other driver options. */
    public GuestOptions withStorvsc(StorvscOptions options) {
        return new GuestOptions(
                isolated, privateBytes, visibleBytes, swiotlb, options, queueDepth, bus, dma);
    }

    /** The same with more or less memory of its own. */
    public GuestOptions withPrivateBytes(long bytes) {
        return new GuestOptions(
                isolated, bytes, visibleBytes, swiotlb, storvsc, queueDepth, bus, dma);
    }

    /** The same with another bounce pool. */
    public GuestOptions withSwiotlb(SwiotlbOptions options) {
        return new GuestOptions(
                isolated, privateBytes, visibleBytes, options, storvsc, queueDepth, bus, dma);
    }

    /** The same with other demands on the DMA API. */
    public GuestOptions withDma(DmaLimits limits) {
        return new GuestOptions(
                isolated, privateBytes, visibleBytes, swiotlb, storvsc, queueDepth, bus, limits);
    }

    private static void requirePages(String name, long bytes) {
        if (bytes < HvPage.SIZE || bytes % HvPage.SIZE != 0) {
            throw new IllegalArgumentException(name + " must be whole pages: " + bytes);
        }
    }
}
