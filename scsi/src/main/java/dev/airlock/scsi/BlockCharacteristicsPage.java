package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/** VPD page B1h, block device characteristics (SBC-3 section 6.5.2). */
public final class BlockCharacteristicsPage {

    public static final int ROTATION_RATE_OFFSET = 4;
    public static final int FLAGS_OFFSET = 8;
    public static final int BYTES = 64;

    /** MEDIUM ROTATION RATE of a medium that does not turn. */
    public static final int NON_ROTATING = 0x0001;

    /** FUAB: SYNCHRONIZE CACHE and FUA behave as SBC-3 says, not as SBC-2. */
    private static final int FUAB = 0x02;

    private BlockCharacteristicsPage() {}

    /** Writes the page of a medium that does not turn. */
    public static void write(MemorySegment page, long at) {
        page.asSlice(at, BYTES).fill((byte) 0);
        VpdPage.writeHeader(page, at, VpdPage.BLOCK_CHARACTERISTICS, BYTES);
        BigEndian.u16(page, at + ROTATION_RATE_OFFSET, NON_ROTATING);
        BigEndian.u8(page, at + FLAGS_OFFSET, FUAB);
    }

    /** Turns a minute; {@link #NON_ROTATING}; 0 when not told. */
    public static int rotationRate(MemorySegment page, long at) {
        return BigEndian.u16(page, at + ROTATION_RATE_OFFSET);
    }
}
