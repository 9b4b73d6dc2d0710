package dev.airlock.storvsc;

/**
 * What the host says about a disk, checked for sense but otherwise taken on trust. All lengths in
 * bytes; a limit that the host does not name is {@link Long#MAX_VALUE}.
 *
 * @param address where it is
 * @param vendor INQUIRY
 * @param product INQUIRY
 * @param revision INQUIRY
 * @param serial VPD page 80h, empty when there is none
 * @param naaId VPD page 83h, the 64-bit NAA designator, 0 when there is none
 * @param sizeBytes READ CAPACITY(16)
 * @param sectorBytes READ CAPACITY(16): a power of two from 512 to 4096
 * @param physicalSectorBytes READ CAPACITY(16), at least {@code sectorBytes}
 * @param readOnly MODE SENSE, WP
 * @param writeCache MODE SENSE, WCE: a flush is needed for durability
 * @param fua MODE SENSE, DPOFUA: writes can be forced to the medium one by one
 * @param nonRotating VPD page B1h
 * @param maxTransferBytes VPD page B0h: of one READ or WRITE
 * @param unmap how blocks are given back, see {@link UnmapWay}
 * @param maxUnmapBytes VPD page B0h: of one UNMAP, or WRITE SAME where {@code unmap} says that
 * @param unmapGranularityBytes VPD page B0h, at least {@code sectorBytes}
 * @param unmappedReadsZero READ CAPACITY(16), LBPRZ
 * @param maxWriteSameBytes VPD page B0h: of one WRITE SAME
 */
public record LunFacts(
        LunAddress address,
        String vendor,
        String product,
        String revision,
        String serial,
        long naaId,
        long sizeBytes,
        int sectorBytes,
        int physicalSectorBytes,
        boolean readOnly,
        boolean writeCache,
        boolean fua,
        boolean nonRotating,
        long maxTransferBytes,
        UnmapWay unmap,
        long maxUnmapBytes,
        long unmapGranularityBytes,
        boolean unmappedReadsZero,
        long maxWriteSameBytes) {

    /** Which command gives blocks back (VPD page B2h, logical block provisioning). */
    public enum UnmapWay {
        /** None. */
        NONE,
        /** UNMAP. */
        UNMAP,
        /** WRITE SAME(16) with the UNMAP bit. */
        WRITE_SAME
    }

    /** Whether the other facts describe the same disk, perhaps of another size. */
    boolean isSameDisk(LunFacts other) {
        return address.equals(other.address)
                && serial.equals(other.serial)
                && naaId == other.naaId
                && sectorBytes == other.sectorBytes;
    }
}
