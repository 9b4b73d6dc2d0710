package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * VPD page 83h, device identification (SPC-4 section 7.8.6): a list of designators.
 *
 * <pre>
 *   0                       1                          2          3         4
 *  +-----------------------+--------------------------+----------+---------+-------------
 *  | protocol 7-4, code set| PIV, association, type   | reserved | length  | designator
 *  +-----------------------+--------------------------+----------+---------+-------------
 * </pre>
 */
public final class DeviceIdentificationPage {

    private static final int CODE_SET_BINARY = 0x1;
    private static final int CODE_SET_ASCII = 0x2;
    private static final int TYPE_T10_VENDOR = 0x1;
    private static final int TYPE_NAA = 0x3;

    /**
     * ASSOCIATION (bits 5-4) and DESIGNATOR TYPE (bits 3-0): which logical unit designators have
     * association 0.
     */
    private static final int ASSOCIATION_AND_TYPE_MASK = 0x3F;

    private static final long NAA_LOCALLY_ASSIGNED = 0x3L << 60;
    private static final int DESIGNATOR_HEADER_BYTES = 4;

    /** Most bytes that {@link #write} writes. */
    public static final int MAX_BYTES =
            VpdPage.HEADER_BYTES
                    + DESIGNATOR_HEADER_BYTES
                    + InquiryData.VENDOR_BYTES
                    + VpdPage.SERIAL_MAX_CHARS
                    + DESIGNATOR_HEADER_BYTES
                    + Long.BYTES;

    private DeviceIdentificationPage() {}

    /**
     * Writes two designators of the logical unit: a T10 vendor designator, and an NAA one of the
     * locally assigned kind (SPC-4 section 7.8.6.6.4), whose low 60 bits are the caller's.
     *
     * @param serial at most {@link VpdPage#SERIAL_MAX_CHARS} characters count
     * @return bytes written
     */
    public static int write(
            MemorySegment page, long at, String vendor, String serial, long localId) {
        int chars = Math.min(serial.length(), VpdPage.SERIAL_MAX_CHARS);
        long next = at + VpdPage.HEADER_BYTES;
        next =
                designator(
                        page,
                        next,
                        CODE_SET_ASCII,
                        TYPE_T10_VENDOR,
                        InquiryData.VENDOR_BYTES + chars);
        AsciiField.write(page, next, InquiryData.VENDOR_BYTES, vendor);
        AsciiField.write(page, next + InquiryData.VENDOR_BYTES, chars, serial);
        next += InquiryData.VENDOR_BYTES + chars;
        next = designator(page, next, CODE_SET_BINARY, TYPE_NAA, Long.BYTES);
        BigEndian.u64(page, next, NAA_LOCALLY_ASSIGNED | (localId & ~(0xFL << 60)));
        next += Long.BYTES;
        int bytes = (int) (next - at);
        VpdPage.writeHeader(page, at, VpdPage.DEVICE_IDENTIFICATION, bytes);
        return bytes;
    }

    /**
     * The eight-byte NAA identifier of the logical unit in a page of {@code length} valid bytes, or
     * 0 when there is none.
     */
    public static long naa(MemorySegment page, long at, int length) {
        int end = Math.min(length, VpdPage.bytes(page, at));
        int next = VpdPage.HEADER_BYTES;
        while (next + DESIGNATOR_HEADER_BYTES <= end) {
            int kind = BigEndian.u8(page, at + next + 1) & ASSOCIATION_AND_TYPE_MASK;
            int designatorBytes = BigEndian.u8(page, at + next + 3);
            next += DESIGNATOR_HEADER_BYTES;
            if (kind == TYPE_NAA && designatorBytes >= Long.BYTES && next + Long.BYTES <= end) {
                return BigEndian.u64(page, at + next);
            }
            next += designatorBytes;
        }
        return 0;
    }

    private static long designator(MemorySegment page, long at, int codeSet, int type, int bytes) {
        BigEndian.u8(page, at, codeSet);
        BigEndian.u8(page, at + 1, type);
        BigEndian.u8(page, at + 2, 0);
        BigEndian.u8(page, at + 3, bytes);
        return at + DESIGNATOR_HEADER_BYTES;
    }
}
