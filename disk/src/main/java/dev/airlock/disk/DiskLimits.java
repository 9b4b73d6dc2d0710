package dev.airlock.disk;

/**
 * What a disk can do beyond reading and writing, for whoever has to advertise it. Constant for the
 * life of an open disk.
 *
 * @param unmapGranularityBytes {@link Disk#unmap} frees space in units of this size, aligned to it;
 *     0 if unmap has no effect and is not worth advertising
 * @param unmapMaxBytes largest range that one unmap should be asked for, so that no single request
 *     keeps a thread for long
 * @param unmapReadsZeroes whether every byte of an unmapped range reads as zero afterwards, also
 *     outside whole granules; if not, it reads as zero or as before
 * @param writeZeroesMaxBytes largest range that one {@link Disk#writeZeroes} should be asked for
 * @param volatileCache whether acknowledged writes need {@link Disk#flush} (or FUA) to survive a
 *     crash; if not, flush has nothing to do
 */
public record DiskLimits(
        long unmapGranularityBytes,
        long unmapMaxBytes,
        boolean unmapReadsZeroes,
        long writeZeroesMaxBytes,
        boolean volatileCache) {
    /**
     * Checks the ranges: the granularity is zero or a power of two, the others are greater than
     * zero.
     */
    public DiskLimits {
        if (unmapGranularityBytes < 0 || Long.bitCount(unmapGranularityBytes) > 1) {
            throw new IllegalArgumentException(
                    "unmapGranularityBytes=" + unmapGranularityBytes + " is not a power of two");
        }
        if (unmapMaxBytes <= 0 || writeZeroesMaxBytes <= 0) {
            throw new IllegalArgumentException(
                    "unmapMaxBytes="
                            + unmapMaxBytes
                            + " writeZeroesMaxBytes="
                            + writeZeroesMaxBytes);
        }
    }
}
