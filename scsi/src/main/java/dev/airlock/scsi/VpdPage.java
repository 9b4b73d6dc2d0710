package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Vital product data pages (SPC-4 section 7.8): the header all have, and the pages that are a list
 * or a text.
 *
 * <pre>
 *   0                        1           2             4
 *  +------------------------+-----------+-------------+---------
 *  | qualifier, device type | page code | length-4 u16| page
 *  +------------------------+-----------+-------------+---------
 * </pre>
 */
public final class VpdPage {

    public static final int SUPPORTED_PAGES = 0x00;
    public static final int UNIT_SERIAL_NUMBER = 0x80;
    public static final int DEVICE_IDENTIFICATION = 0x83;
    public static final int BLOCK_LIMITS = 0xB0;
    public static final int BLOCK_CHARACTERISTICS = 0xB1;
    public static final int LOGICAL_BLOCK_PROVISIONING = 0xB2;

    public static final int PAGE_CODE_OFFSET = 1;
    public static final int PAGE_LENGTH_OFFSET = 2;
    public static final int HEADER_BYTES = PAGE_LENGTH_OFFSET + Short.BYTES;

    /** Most characters of a serial number that {@link #writeSerialNumber} takes. */
    public static final int SERIAL_MAX_CHARS = 64;

    private VpdPage() {}

    /**
     * Writes the header of a connected disk's page; {@code bytes} is the length of the whole page.
     */
    public static void writeHeader(MemorySegment page, long at, int pageCode, int bytes) {
        BigEndian.u8(page, at, InquiryData.DISK);
        BigEndian.u8(page, at + PAGE_CODE_OFFSET, pageCode);
        BigEndian.u16(page, at + PAGE_LENGTH_OFFSET, bytes - HEADER_BYTES);
    }

    public static int pageCode(MemorySegment page, long at) {
        return BigEndian.u8(page, at + PAGE_CODE_OFFSET);
    }

    /** Length of the whole page, header included, as its header says. */
    public static int bytes(MemorySegment page, long at) {
        return HEADER_BYTES + BigEndian.u16(page, at + PAGE_LENGTH_OFFSET);
    }

    /**
     * Writes page 00h.
     *
     * @param pageCodes the pages there are, ascending, 00h included
     * @return bytes written
     */
    public static int writeSupportedPages(MemorySegment page, long at, byte[] pageCodes) {
        int bytes = HEADER_BYTES + pageCodes.length;
        writeHeader(page, at, SUPPORTED_PAGES, bytes);
        MemorySegment.copy(
                pageCodes, 0, page, ValueLayout.JAVA_BYTE, at + HEADER_BYTES, pageCodes.length);
        return bytes;
    }

    /** Whether page 00h of {@code length} valid bytes lists a page. */
    public static boolean lists(MemorySegment page, long at, int length, int pageCode) {
        int end = Math.min(length, bytes(page, at));
        for (int i = HEADER_BYTES; i < end; i++) {
            if (BigEndian.u8(page, at + i) == pageCode) {
                return true;
            }
        }
        return false;
    }

    /** Writes page 80h; returns the bytes written. */
    public static int writeSerialNumber(MemorySegment page, long at, String serial) {
        int chars = Math.min(serial.length(), SERIAL_MAX_CHARS);
        writeHeader(page, at, UNIT_SERIAL_NUMBER, HEADER_BYTES + chars);
        AsciiField.write(page, at + HEADER_BYTES, chars, serial);
        return HEADER_BYTES + chars;
    }

    /** The serial number of page 80h with {@code length} valid bytes, without padding. */
    public static String serialNumber(MemorySegment page, long at, int length) {
        int end = Math.min(length, bytes(page, at));
        return end <= HEADER_BYTES
                ? ""
                : AsciiField.read(page, at + HEADER_BYTES, end - HEADER_BYTES);
    }
}
