package dev.airlock.storvsc;

import dev.airlock.dma.DmaDirection;
import dev.airlock.dma.DmaMapper;
import dev.airlock.dma.Scatterlist;
import java.lang.foreign.MemorySegment;

/**
 * How the data of a command is made reachable for the host: the seam between the driver and the DMA
 * API. The product's way is {@link WholeEntryMapping}; others exist to be compared with it.
 *
 * <p>One instance serves one channel. Calls for different tags may run at the same time on
 * different threads; for one tag they never overlap, and each successful {@link #map} is followed
 * by exactly one {@link #unmap}. Nothing may allocate.
 */
public interface IoMapping {
    /** Result of {@link #map}: no room now, nothing is mapped. */
    int BUSY = 0;

    /** Result of {@link #map}: can never fit, nothing is mapped. */
    int TOO_LARGE = -1;

    /** Makes the mapping of a channel. */
    @FunctionalInterface
    interface Factory {
        /**
         * Makes the mapping of one channel.
         *
         * @param mapper the DMA API of the device
         * @param tags number of tags: calls carry tags in [0, tags)
         * @param maxPages most pages that one list touches
         */
        IoMapping create(DmaMapper mapper, int tags, int maxPages);
    }

    /**
     * Maps a list that {@link GpaRangeLayout#isOneRange is one range} and writes the PFN of each 4
     * KiB page it touches into a GPA-direct packet, by {@link
     * dev.airlock.vmbus.GpaDirectPacket#putPfn}. The packet's header, length and in-page offset are
     * there already, taken from the list as it was before mapping; a mapping that does not keep the
     * in-page offset is of no use here.
     *
     * @param tag the command's tag
     * @param list not empty; its mapping state belongs to this object until unmapped
     * @param attributes bits of {@link dev.airlock.dma.DmaAttributes}; {@code OVERWRITE} only for a
     *     mapping that {@link #honoursOverwrite}
     * @param packet private memory with room for the most pages
     * @param at where the packet begins
     * @return number of PFNs written, or {@link #BUSY}, or {@link #TOO_LARGE}
     */
    int map(
            int tag,
            Scatterlist list,
            DmaDirection direction,
            int attributes,
            MemorySegment packet,
            long at);

    /** Ends the mapping of a list; {@code SKIP_CPU_SYNC} leaves the caller's memory untouched. */
    void unmap(int tag, Scatterlist list, DmaDirection direction, int attributes);

    /**
     * Whether {@link #map} may be asked not to copy the original data in. Such a mapping has a
     * {@link #syncForCpu} of its own; to others {@code OVERWRITE} is never passed.
     */
    default boolean honoursOverwrite() {
        return false;
    }

    /**
     * Copies to the caller's memory the first bytes of a list that was mapped with {@code
     * OVERWRITE}, since the host has written no more: the rest of the slots is not the caller's to
     * see. An {@link #unmap} with {@code SKIP_CPU_SYNC} follows.
     */
    default void syncForCpu(int tag, Scatterlist list, long bytes, DmaDirection direction) {
        throw new UnsupportedOperationException("mapping does not honour OVERWRITE");
    }

    /**
     * Whether the host can reach the caller's own memory through this mapping, even in part. When
     * not, all data is in bounce slots and the caller may have its memory back before the host is
     * done.
     */
    boolean exposesCaller(int tag, Scatterlist list);

    /** Bounce slots that this mapping holds. */
    int slotsHeld(int tag, Scatterlist list);
}
