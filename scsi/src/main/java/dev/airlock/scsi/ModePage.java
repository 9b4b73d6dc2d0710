package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * Mode parameter lists (SPC-4 section 7.5, SBC-3 section 6.4): header, block descriptor, and the
 * pages of a disk.
 *
 * <pre>
 *  header(6):  0 length-1   1 medium type   2 WP, DPOFUA   3 block descriptor length                       4
 *  header(10): 0 length-2 u16   2 medium type   3 WP, DPOFUA   4 LONGLBA   6 block descriptor length u16    8
 *  page_0:     0 PS, SPF=0, code   1 length-2   2 parameters
 *  sub_page:   0 PS, SPF=1, code   1 subpage    2 length-4 u16   4 parameters
 * </pre>
 */
public final class ModePage {

    public static final int CACHING = 0x08;
    public static final int CONTROL = 0x0A;

    /** Every page. */
    public static final int ALL = 0x3F;

    /** With {@link #ALL} or a page: every subpage of it. */
    public static final int ALL_SUBPAGES = 0xFF;

    /** Size of the caching page, bytes. */
    public static final int CACHING_BYTES = 20;

    /** Size of the control page, bytes. */
    public static final int CONTROL_BYTES = 12;

    public static final int HEADER_6_BYTES = 4;
    public static final int HEADER_10_BYTES = 8;
    public static final int BLOCK_DESCRIPTOR_BYTES = 8;
    public static final int LONG_BLOCK_DESCRIPTOR_BYTES = 16;

    /** PC field of MODE SENSE: current values. */
    public static final int PC_CURRENT = 0;

    /** PC field: a mask of what MODE SELECT may change. */
    public static final int PC_CHANGEABLE = 1;

    public static final int PC_DEFAULT = 2;
    public static final int PC_SAVED = 3;

    /** DEVICE-SPECIFIC PARAMETER: write protected. */
    public static final int WP = 0x80;

    /** DEVICE-SPECIFIC PARAMETER: DPO and FUA are supported. */
    public static final int DPOFUA = 0x10;

    /** Header(10), byte 4: the block descriptor is the long one. */
    public static final int LONGLBA = 0x01;

    /** Byte 0 of a page: sub_page format. */
    public static final int SPF = 0x40;

    /** Byte 0 of a page: parameters saveable; reserved in MODE SELECT. */
    public static final int PS = 0x80;

    public static final int PAGE_CODE_MASK = 0x3F;

    /** Byte 2 of the caching page: write cache enable. */
    public static final int WCE = 0x04;

    /** Byte 2 of the caching page: read cache disable. */
    public static final int RCD = 0x01;

    /** Byte 2 of the control page: descriptor format sense data. */
    public static final int D_SENSE = 0x04;

    /** Byte 3 of the control page: unrestricted reordering (QUEUE ALGORITHM MODIFIER 1). */
    public static final int UNRESTRICTED_REORDERING = 0x10;

    /** Byte 4 of the control page: software write protect. */
    public static final int SWP = 0x08;

    /** NUMBER OF LOGICAL BLOCKS of a short block descriptor when the number is larger. */
    public static final long BLOCKS_TOO_LARGE = 0xFFFF_FFFFL;

    private ModePage() {}

    /** Writes a header(6) for {@code bytes} in all. */
    public static void writeHeader6(
            MemorySegment list, long at, int bytes, int deviceSpecific, int blockDescriptorBytes) {
        BigEndian.u8(list, at, bytes - 1);
        BigEndian.u8(list, at + 1, 0);
        BigEndian.u8(list, at + 2, deviceSpecific);
        BigEndian.u8(list, at + 3, blockDescriptorBytes);
    }

    /** Writes a header(10) for {@code bytes} in all. */
    public static void writeHeader10(
            MemorySegment list, long at, int bytes, int deviceSpecific, int blockDescriptorBytes) {
        BigEndian.u16(list, at, bytes - 2);
        BigEndian.u8(list, at + 2, 0);
        BigEndian.u8(list, at + 3, deviceSpecific);
        BigEndian.u16(
                list,
                at + 4,
                blockDescriptorBytes == LONG_BLOCK_DESCRIPTOR_BYTES ? LONGLBA << 8 : 0);
        BigEndian.u16(list, at + 6, blockDescriptorBytes);
    }

    public static void writeBlockDescriptor(
            MemorySegment list, long at, long blocks, int blockBytes) {
        BigEndian.u32(list, at, Math.min(blocks, BLOCKS_TOO_LARGE));
        BigEndian.u32(list, at + 4, blockBytes & 0xFF_FFFF);
    }

    public static void writeLongBlockDescriptor(
            MemorySegment list, long at, long blocks, int blockBytes) {
        BigEndian.u64(list, at, blocks);
        BigEndian.u32(list, at + 8, 0);
        BigEndian.u32(list, at + 12, blockBytes);
    }

    /** DEVICE-SPECIFIC PARAMETER of a header(6) or (10). */
    public static int deviceSpecific(MemorySegment list, long at, boolean tenBytes) {
        return BigEndian.u8(list, at + (tenBytes ? 3 : 2));
    }

    /**
     * Where a page begins in a mode parameter list of {@code length} valid bytes, or -1; checks
     * that the page lies whole within it.
     */
    public static long find(
            MemorySegment list, long at, int length, boolean tenBytes, int pageCode) {
        int headerBytes = tenBytes ? HEADER_10_BYTES : HEADER_6_BYTES;
        if (length < headerBytes) {
            return -1;
        }
        int end =
                Math.min(
                        length,
                        tenBytes ? 2 + BigEndian.u16(list, at) : 1 + BigEndian.u8(list, at));
        int next =
                headerBytes + (tenBytes ? BigEndian.u16(list, at + 6) : BigEndian.u8(list, at + 3));
        while (next + 4 <= end) {
            int byte0 = BigEndian.u8(list, at + next);
            boolean subpage = (byte0 & SPF) != 0;
            int bytes =
                    subpage
                            ? 4 + BigEndian.u16(list, at + next + 2)
                            : 2 + BigEndian.u8(list, at + next + 1);
            if (!subpage && (byte0 & PAGE_CODE_MASK) == pageCode && next + bytes <= end) {
                return at + next;
            }
            next += bytes;
        }
        return -1;
    }

    /** Whether the write cache is on, by the caching page at {@code page}. */
    public static boolean isWriteCacheEnabled(MemorySegment list, long page) {
        return (BigEndian.u8(list, page + 2) & WCE) != 0;
    }
}
