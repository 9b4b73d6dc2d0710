package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/** VPD page B2h, logical block provisioning (SBC-3 section 6.5.4). */
public final class ProvisioningPage {

    public static final int FLAGS_OFFSET = 5;
    public static final int PROVISIONING_TYPE_OFFSET = 6;
    public static final int BYTES = 8;

    /** UNMAP is supported. */
    public static final int LBPU = 0x80;

    /** WRITE SAME(16) with the UNMAP bit is supported. */
    public static final int LBPWS = 0x40;

    /** WRITE SAME(10) with the UNMAP bit is supported. */
    public static final int LBPWS10 = 0x20;

    /** Unmapped blocks read as zeroes. */
    public static final int LBPRZ = 0x04;

    /** Anchored blocks are supported. */
    public static final int ANC_SUP = 0x02;

    /** PROVISIONING TYPE: fully provisioned, or not told. */
    public static final int TYPE_FULL = 0;

    /** PROVISIONING TYPE: thin provisioned. */
    public static final int TYPE_THIN = 2;

    private ProvisioningPage() {}

    public static void write(MemorySegment page, long at, int flags, int type) {
        page.asSlice(at, BYTES).fill((byte) 0);
        VpdPage.writeHeader(page, at, VpdPage.LOGICAL_BLOCK_PROVISIONING, BYTES);
        BigEndian.u8(page, at + FLAGS_OFFSET, flags);
        BigEndian.u8(page, at + PROVISIONING_TYPE_OFFSET, type);
    }

    public static int flags(MemorySegment page, long at) {
        return BigEndian.u8(page, at + FLAGS_OFFSET);
    }

    public static int type(MemorySegment page, long at) {
        return BigEndian.u8(page, at + PROVISIONING_TYPE_OFFSET) & 0x07;
    }
}
