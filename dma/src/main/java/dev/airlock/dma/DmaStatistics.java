package dev.airlock.dma;

/**
 * Counters of a mapper and of the pool it bounces through, from one moment in time that is exact
 * when nothing is being mapped. Those of the pool (all but the first) cover every mapper that
 * shares it, and are 0 where there is none.
 *
 * @param directMappings ranges mapped by identity, one for each scatterlist entry
 * @param bouncedMappings ranges mapped through slots
 * @param bytesMapped bytes of the bounced ranges
 * @param bytesBouncedIn bytes copied from the guest's memory into slots
 * @param bytesBouncedOut bytes copied from slots into the guest's memory
 * @param slotBytes size of a slot
 * @param slotsTotal slots of the pool as it has grown
 * @param slotsUsed slots that belong to live mappings
 * @param slotsHighWater most slots that were in use at once
 * @param slotsTaken slots given out since the beginning; {@code slotsTaken * slotBytes -
 *     bytesMapped} is what alignment and rounding wasted
 * @param busy times a range found no free slots
 * @param segmentsSearched segments whose slots were looked at to find free ones
 * @param growths pools added after the first
 */
public record DmaStatistics(
        long directMappings,
        long bouncedMappings,
        long bytesMapped,
        long bytesBouncedIn,
        long bytesBouncedOut,
        int slotBytes,
        long slotsTotal,
        long slotsUsed,
        long slotsHighWater,
        long slotsTaken,
        long busy,
        long segmentsSearched,
        int growths) {

    /** All mappings, of both kinds. */
    public long mappings() {
        return directMappings + bouncedMappings;
    }

    /** Bytes of slots that were given out and carried no data of their mapping. */
    public long slotBytesWasted() {
        return slotsTaken * slotBytes - bytesMapped;
    }
}
