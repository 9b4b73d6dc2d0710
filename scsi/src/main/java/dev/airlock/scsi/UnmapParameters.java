package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * Parameter list of UNMAP (SBC-3 section 5.28).
 *
 * <pre>
 *   0                     2                            4          8
 *  +---------------------+----------------------------+----------+-----------------------------------------
 *  | data length-2 u16   | descriptors' length u16    | reserved | descriptors: LBA u64, blocks u32, 4 reserved
 *  +---------------------+----------------------------+----------+-----------------------------------------
 * </pre>
 */
public final class UnmapParameters {

    public static final int DATA_LENGTH_OFFSET = 0;
    public static final int DESCRIPTOR_LENGTH_OFFSET = 2;
    public static final int HEADER_BYTES = 8;
    public static final int DESCRIPTOR_BYTES = 16;

    private UnmapParameters() {}

    public static int bytes(int descriptors) {
        return HEADER_BYTES + descriptors * DESCRIPTOR_BYTES;
    }

    public static void writeHeader(MemorySegment list, long at, int descriptors) {
        BigEndian.u16(list, at + DATA_LENGTH_OFFSET, bytes(descriptors) - Short.BYTES);
        BigEndian.u16(list, at + DESCRIPTOR_LENGTH_OFFSET, descriptors * DESCRIPTOR_BYTES);
        BigEndian.u32(list, at + 4, 0);
    }

    public static void writeDescriptor(
            MemorySegment list, long at, int index, long lba, long blocks) {
        long descriptor = at + HEADER_BYTES + (long) index * DESCRIPTOR_BYTES;
        BigEndian.u64(list, descriptor, lba);
        BigEndian.u32(list, descriptor + 8, blocks);
        BigEndian.u32(list, descriptor + 12, 0);
    }

    /** UNMAP DATA LENGTH: bytes after this field. */
    public static int dataLength(MemorySegment list, long at) {
        return BigEndian.u16(list, at + DATA_LENGTH_OFFSET);
    }

    /** UNMAP BLOCK DESCRIPTOR DATA LENGTH: bytes of descriptors. */
    public static int descriptorLength(MemorySegment list, long at) {
        return BigEndian.u16(list, at + DESCRIPTOR_LENGTH_OFFSET);
    }

    /** First LBA of a descriptor; 64 bits, unsigned. */
    public static long lba(MemorySegment list, long at, int index) {
        return BigEndian.u64(list, at + HEADER_BYTES + (long) index * DESCRIPTOR_BYTES);
    }

    public static long blocks(MemorySegment list, long at, int index) {
        return BigEndian.u32(list, at + HEADER_BYTES + (long) index * DESCRIPTOR_BYTES + 8);
    }
}
