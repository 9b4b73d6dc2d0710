package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * Parameter data of GET LBA STATUS (SBC-3 section 5.5): a u32 length of what follows it, four
 * reserved bytes, then descriptors of 16 bytes: LBA u64, blocks u32, status in the low nibble of
 * byte 12.
 */
public final class LbaStatus {

    public static final int HEADER_BYTES = 8;
    public static final int DESCRIPTOR_BYTES = 16;

    /** PROVISIONING STATUS: mapped, or not known. */
    public static final int MAPPED = 0;

    public static final int DEALLOCATED = 1;
    public static final int ANCHORED = 2;

    private LbaStatus() {}

    public static int bytes(int descriptors) {
        return HEADER_BYTES + descriptors * DESCRIPTOR_BYTES;
    }

    public static void writeHeader(MemorySegment data, long at, int descriptors) {
        BigEndian.u32(data, at, bytes(descriptors) - Integer.BYTES);
        BigEndian.u32(data, at + 4, 0);
    }

    public static void writeDescriptor(
            MemorySegment data, long at, int index, long lba, long blocks, int status) {
        long descriptor = at + HEADER_BYTES + (long) index * DESCRIPTOR_BYTES;
        BigEndian.u64(data, descriptor, lba);
        BigEndian.u32(data, descriptor + 8, blocks);
        BigEndian.u32(data, descriptor + 12, (long) status << 24);
    }

    /** Number of whole descriptors in {@code length} valid bytes, at most what the header says. */
    public static int count(MemorySegment data, long at, int length) {
        if (length < HEADER_BYTES) {
            return 0;
        }
        long told = BigEndian.u32(data, at) + Integer.BYTES - HEADER_BYTES;
        return told < 0 ? 0 : (int) (Math.min(told, length - HEADER_BYTES) / DESCRIPTOR_BYTES);
    }

    public static long lba(MemorySegment data, long at, int index) {
        return BigEndian.u64(data, at + HEADER_BYTES + (long) index * DESCRIPTOR_BYTES);
    }

    public static long blocks(MemorySegment data, long at, int index) {
        return BigEndian.u32(data, at + HEADER_BYTES + (long) index * DESCRIPTOR_BYTES + 8);
    }

    public static int status(MemorySegment data, long at, int index) {
        return BigEndian.u8(data, at + HEADER_BYTES + (long) index * DESCRIPTOR_BYTES + 12) & 0x0F;
    }
}
