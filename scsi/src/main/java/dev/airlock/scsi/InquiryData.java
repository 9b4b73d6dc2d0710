package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * Standard INQUIRY data (SPC-4 section 6.6.2).
 *
 * <pre>
 *   0               1        2         3               4          5       6       7        8          16          32
 *  +---------------+--------+---------+---------------+----------+-------+-------+--------+----------+-----------+----------+
 *  | qualifier 7-5 | RMB    | version | HISUP, format | length-5 | flags | flags | CMDQUE | vendor 8 | product 16| revision |
 *  | device type   | LU_CONG|         |               |          |       |       |        |          |           | 4        |
 *  +---------------+--------+---------+---------------+----------+-------+-------+--------+----------+-----------+----------+
 *   36 vendor specific                 58 version descriptors, u16 each         74 reserved                       96
 * </pre>
 */
public final class InquiryData {

    public static final int PERIPHERAL_OFFSET = 0;
    public static final int VERSION_OFFSET = 2;
    public static final int FORMAT_OFFSET = 3;
    public static final int ADDITIONAL_LENGTH_OFFSET = 4;
    public static final int COMMAND_QUEUE_OFFSET = 7;
    public static final int VENDOR_OFFSET = 8;
    public static final int VENDOR_BYTES = 8;
    public static final int PRODUCT_OFFSET = VENDOR_OFFSET + VENDOR_BYTES;
    public static final int PRODUCT_BYTES = 16;
    public static final int REVISION_OFFSET = PRODUCT_OFFSET + PRODUCT_BYTES;
    public static final int REVISION_BYTES = 4;
    public static final int VERSION_DESCRIPTORS_OFFSET = 58;

    /** Least that every device returns and every initiator asks for first. */
    public static final int SHORT_BYTES = REVISION_OFFSET + REVISION_BYTES;

    /** Size of the data written here. */
    public static final int BYTES = 96;

    /** Qualifier 000b, type 00h: a direct access block device, connected. */
    public static final int DISK = 0x00;

    /** Qualifier 011b, type 1Fh: no device can be at this LUN. */
    public static final int NO_DEVICE = 0x7F;

    /** VERSION of SPC-4. */
    public static final int VERSION_SPC_4 = 0x06;

    /** Version descriptor: SAM-5 (SPC-4 table 142, no version claimed). */
    public static final int DESCRIPTOR_SAM_5 = 0x00A0;

    /** Version descriptor: SPC-4. */
    public static final int DESCRIPTOR_SPC_4 = 0x0460;

    /** Version descriptor: SBC-3. */
    public static final int DESCRIPTOR_SBC_3 = 0x04C0;

    private static final int HISUP = 0x10;
    private static final int RESPONSE_FORMAT = 0x02;
    private static final int CMDQUE = 0x02;

    private InquiryData() {}

    /**
     * Writes the {@link #BYTES} bytes of a device: {@link #DISK}, or {@link #NO_DEVICE} for a LUN
     * where there is none.
     */
    public static void write(
            MemorySegment data,
            long at,
            int peripheral,
            String vendor,
            String product,
            String revision) {
        data.asSlice(at, BYTES).fill((byte) 0);
        BigEndian.u8(data, at + PERIPHERAL_OFFSET, peripheral);
        BigEndian.u8(data, at + VERSION_OFFSET, VERSION_SPC_4);
        BigEndian.u8(data, at + FORMAT_OFFSET, HISUP | RESPONSE_FORMAT);
        BigEndian.u8(data, at + ADDITIONAL_LENGTH_OFFSET, BYTES - ADDITIONAL_LENGTH_OFFSET - 1);
        BigEndian.u8(data, at + COMMAND_QUEUE_OFFSET, CMDQUE);
        AsciiField.write(data, at + VENDOR_OFFSET, VENDOR_BYTES, vendor);
        AsciiField.write(data, at + PRODUCT_OFFSET, PRODUCT_BYTES, product);
        AsciiField.write(data, at + REVISION_OFFSET, REVISION_BYTES, revision);
        BigEndian.u16(data, at + VERSION_DESCRIPTORS_OFFSET, DESCRIPTOR_SAM_5);
        BigEndian.u16(data, at + VERSION_DESCRIPTORS_OFFSET + 2, DESCRIPTOR_SPC_4);
        BigEndian.u16(data, at + VERSION_DESCRIPTORS_OFFSET + 4, DESCRIPTOR_SBC_3);
    }

    /** Peripheral qualifier: 0 for a device that is there. */
    public static int peripheralQualifier(MemorySegment data, long at) {
        return BigEndian.u8(data, at + PERIPHERAL_OFFSET) >>> 5;
    }

    /** Peripheral device type: 0 for a disk, 1Fh for none. */
    public static int deviceType(MemorySegment data, long at) {
        return BigEndian.u8(data, at + PERIPHERAL_OFFSET) & 0x1F;
    }

    public static int version(MemorySegment data, long at) {
        return BigEndian.u8(data, at + VERSION_OFFSET);
    }

    /** Vendor, without padding; needs {@link #SHORT_BYTES}. */
    public static String vendor(MemorySegment data, long at) {
        return AsciiField.read(data, at + VENDOR_OFFSET, VENDOR_BYTES);
    }

    /** Product, without padding; needs {@link #SHORT_BYTES}. */
    public static String product(MemorySegment data, long at) {
        return AsciiField.read(data, at + PRODUCT_OFFSET, PRODUCT_BYTES);
    }

    /** Product revision, without padding; needs {@link #SHORT_BYTES}. */
    public static String revision(MemorySegment data, long at) {
        return AsciiField.read(data, at + REVISION_OFFSET, REVISION_BYTES);
    }
}
