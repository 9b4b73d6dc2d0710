package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * Parameter data of REPORT LUNS (SPC-4 section 6.35): a u32 list length in bytes, four reserved
 * bytes, then eight bytes a LUN in the order of SAM-5 section 4.6.
 */
public final class ReportLuns {

    public static final int HEADER_BYTES = 8;
    public static final int ENTRY_BYTES = 8;

    /** SELECT REPORT: the LUNs that are not well known ones. */
    public static final int SELECT_ADDRESSED = 0x00;

    /** SELECT REPORT: well known logical units only. */
    public static final int SELECT_WELL_KNOWN = 0x01;

    /** SELECT REPORT: all. */
    public static final int SELECT_ALL = 0x02;

    private static final int METHOD_PERIPHERAL = 0;
    private static final int METHOD_FLAT = 1;

    private ReportLuns() {}

    public static int bytes(int luns) {
        return HEADER_BYTES + luns * ENTRY_BYTES;
    }

    public static void writeHeader(MemorySegment data, long at, int luns) {
        BigEndian.u32(data, at, (long) luns * ENTRY_BYTES);
        BigEndian.u32(data, at + 4, 0);
    }

    /** Writes a LUN of 0 to 255 by peripheral device addressing. */
    public static void writeLun(MemorySegment data, long at, int index, int lun) {
        BigEndian.u64(
                data, at + HEADER_BYTES + (long) index * ENTRY_BYTES, (long) (lun & 0xFF) << 48);
    }

    /** Number of whole entries in {@code length} valid bytes, at most what the header says. */
    public static int count(MemorySegment data, long at, int length) {
        if (length < HEADER_BYTES) {
            return 0;
        }
        long told = BigEndian.u32(data, at) / ENTRY_BYTES;
        return (int) Math.min(told, (length - HEADER_BYTES) / ENTRY_BYTES);
    }

    /** Bytes of the whole list, header included, as the header says; a 33-bit value from a peer. */
    public static long fullBytes(MemorySegment data, long at) {
        return HEADER_BYTES + BigEndian.u32(data, at);
    }

    /**
     * The LUN of an entry when it is a single-level one by peripheral or flat addressing on bus 0,
     * else -1.
     */
    public static int lun(MemorySegment data, long at, int index) {
        long entry = BigEndian.u64(data, at + HEADER_BYTES + (long) index * ENTRY_BYTES);
        int level = (int) (entry >>> 48);
        if ((entry & 0xFFFF_FFFF_FFFFL) != 0) {
            return -1;
        }
        return switch (level >>> 14) {
            case METHOD_PERIPHERAL -> level < 0x100 ? level : -1;
            case METHOD_FLAT -> level & 0x3FFF;
            default -> -1;
        };
    }
}
