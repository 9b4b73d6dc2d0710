package dev.airlock.scsitarget;

/**
 * How a logical unit shows itself.
 *
 * @param maxTransferBytes largest READ, WRITE or VERIFY: announced in VPD page B0h and enforced; at
 *     least 64 KiB, and no more than the transport's largest transfer
 * @param product PRODUCT IDENTIFICATION of the INQUIRY data, at most 16 characters
 * @param revision PRODUCT REVISION LEVEL, at most 4 characters
 */
public record LogicalUnitOptions(int maxTransferBytes, String product, String revision) {

    /**
     * VENDOR IDENTIFICATION. Linux turns WRITE SAME off for any other vendor on vstor 6.2
     * (storvsc_drv.c).
     */
    public static final String VENDOR = "Msft";

    /** Largest transfer unless told: what one SRB of a 514-page range can carry. */
    public static final int DEFAULT_MAX_TRANSFER_BYTES = 2 << 20;

    private static final int MIN_MAX_TRANSFER_BYTES = 64 << 10;

    public LogicalUnitOptions {
        if (maxTransferBytes < MIN_MAX_TRANSFER_BYTES || maxTransferBytes % 4096 != 0) {
            throw new IllegalArgumentException("maxTransferBytes=" + maxTransferBytes);
        }
        if (product.length() > 16 || revision.length() > 4) {
            throw new IllegalArgumentException("product=" + product + " revision=" + revision);
        }
    }

    public static LogicalUnitOptions defaults() {
        return new LogicalUnitOptions(DEFAULT_MAX_TRANSFER_BYTES, "Virtual Disk", "1.0");
    }

    public LogicalUnitOptions withMaxTransferBytes(int bytes) {
        return new LogicalUnitOptions(bytes, product, revision);
    }
}
