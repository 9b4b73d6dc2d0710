package dev.airlock.scsi;

import java.lang.foreign.MemorySegment;

/**
 * Sense data. Built in fixed format (SPC-4 section 4.5.3), parsed in fixed and in descriptor format
 * (section 4.5.2), current or deferred. Big-endian. Stateless, thread-safe.
 *
 * <pre>
 *   0               1   2         3           7          8          12    13     14    15              18
 *  +---------------+---+---------+-----------+----------+----------+-----+------+-----+---------------+
 *  | VALID, 0x70/71| 0 | ILI,key |INFORMATION| length-8 | command  | ASC | ASCQ | FRU | sense key     |
 *  |               |   |         | u32       |          | specific |     |      |     | specific      |
 *  +---------------+---+---------+-----------+----------+----------+-----+------+-----+---------------+
 * </pre>
 */
public final class Sense {

    public static final int RESPONSE_CODE_OFFSET = 0;
    public static final int KEY_OFFSET = 2;
    public static final int INFORMATION_OFFSET = 3;
    public static final int ADDITIONAL_LENGTH_OFFSET = INFORMATION_OFFSET + Integer.BYTES;
    public static final int COMMAND_SPECIFIC_OFFSET = ADDITIONAL_LENGTH_OFFSET + Byte.BYTES;
    public static final int ASC_OFFSET = COMMAND_SPECIFIC_OFFSET + Integer.BYTES;
    public static final int ASCQ_OFFSET = ASC_OFFSET + Byte.BYTES;
    public static final int FRU_OFFSET = ASCQ_OFFSET + Byte.BYTES;
    public static final int KEY_SPECIFIC_OFFSET = FRU_OFFSET + Byte.BYTES;

    /** Size of the fixed-format sense data written here, bytes. */
    public static final int BYTES = KEY_SPECIFIC_OFFSET + 3;

    /**
     * Most bytes that {@link #toDescriptorFormat} writes: header, information and sense key
     * specific descriptors.
     */
    public static final int DESCRIPTOR_FORMAT_MAX_BYTES = 8 + 12 + 8;

    public static final int RESPONSE_FIXED_CURRENT = 0x70;
    public static final int RESPONSE_FIXED_DEFERRED = 0x71;
    public static final int RESPONSE_DESCRIPTOR_CURRENT = 0x72;
    public static final int RESPONSE_DESCRIPTOR_DEFERRED = 0x73;

    private static final int VALID = 0x80;
    private static final int ILI = 0x20;
    private static final int KEY_SPECIFIC_VALID = 0x80;
    private static final int IN_CDB = 0x40;
    private static final int BIT_POINTER_VALID = 0x08;
    private static final int DESCRIPTOR_INFORMATION = 0x00;
    private static final int DESCRIPTOR_KEY_SPECIFIC = 0x02;

    private Sense() {}

    /**
     * Writes {@link #BYTES} bytes of current, fixed-format sense data without information or field
     * pointer.
     */
    public static void write(MemorySegment sense, long at, int key, int additionalSense) {
        sense.asSlice(at, BYTES).fill((byte) 0);
        BigEndian.u8(sense, at + RESPONSE_CODE_OFFSET, RESPONSE_FIXED_CURRENT);
        BigEndian.u8(sense, at + KEY_OFFSET, key);
        BigEndian.u8(sense, at + ADDITIONAL_LENGTH_OFFSET, BYTES - COMMAND_SPECIFIC_OFFSET);
        BigEndian.u16(sense, at + ASC_OFFSET, additionalSense);
    }

    /**
     * Sets the INFORMATION field, such as a failed LBA; a value of more than 32 bits is left out,
     * as SPC-4 4.5.3 demands.
     */
    public static void information(MemorySegment sense, long at, long information) {
        if (information >>> 32 == 0) {
            BigEndian.u8(sense, at + RESPONSE_CODE_OFFSET, RESPONSE_FIXED_CURRENT | VALID);
            BigEndian.u32(sense, at + INFORMATION_OFFSET, information);
        }
    }

    /**
     * Sets the field pointer of an ILLEGAL REQUEST (SPC-4 section 4.5.2.4.2).
     *
     * @param inCdb the field lies in the CDB, else in the parameter data
     * @param fieldByte first byte of the field
     * @param fieldBit most significant bit of the field in that byte, or -1 to point at the whole
     *     byte
     */
    public static void fieldPointer(
            MemorySegment sense, long at, boolean inCdb, int fieldByte, int fieldBit) {
        int flags =
                KEY_SPECIFIC_VALID
                        | (inCdb ? IN_CDB : 0)
                        | (fieldBit < 0 ? 0 : BIT_POINTER_VALID | fieldBit);
        BigEndian.u8(sense, at + KEY_SPECIFIC_OFFSET, flags);
        BigEndian.u16(sense, at + KEY_SPECIFIC_OFFSET + 1, fieldByte);
    }

    /** Sets the progress of a NOT READY or NO SENSE, in 1/65536 (SPC-4 section 4.5.2.4.4). */
    public static void progress(MemorySegment sense, long at, int progress) {
        BigEndian.u8(sense, at + KEY_SPECIFIC_OFFSET, KEY_SPECIFIC_VALID);
        BigEndian.u16(sense, at + KEY_SPECIFIC_OFFSET + 1, progress);
    }

    /**
     * Turns fixed-format sense data of {@link #BYTES} bytes into descriptor format.
     *
     * @return bytes written to {@code into}, at most {@link #DESCRIPTOR_FORMAT_MAX_BYTES}
     */
    public static int toDescriptorFormat(
            MemorySegment fixed, long at, MemorySegment into, long intoAt) {
        into.asSlice(intoAt, DESCRIPTOR_FORMAT_MAX_BYTES).fill((byte) 0);
        BigEndian.u8(into, intoAt, RESPONSE_DESCRIPTOR_CURRENT);
        BigEndian.u8(into, intoAt + 1, BigEndian.u8(fixed, at + KEY_OFFSET) & 0x0F);
        BigEndian.u16(into, intoAt + 2, BigEndian.u16(fixed, at + ASC_OFFSET));
        int length = 8;
        if ((BigEndian.u8(fixed, at) & VALID) != 0) {
            BigEndian.u8(into, intoAt + length, DESCRIPTOR_INFORMATION);
            BigEndian.u8(into, intoAt + length + 1, 10);
            BigEndian.u8(into, intoAt + length + 2, VALID);
            BigEndian.u64(into, intoAt + length + 4, BigEndian.u32(fixed, at + INFORMATION_OFFSET));
            length += 12;
        }
        if ((BigEndian.u8(fixed, at + KEY_SPECIFIC_OFFSET) & KEY_SPECIFIC_VALID) != 0) {
            BigEndian.u8(into, intoAt + length, DESCRIPTOR_KEY_SPECIFIC);
            BigEndian.u8(into, intoAt + length + 1, 6);
            MemorySegment.copy(fixed, at + KEY_SPECIFIC_OFFSET, into, intoAt + length + 4, 3);
            length += 8;
        }
        BigEndian.u8(into, intoAt + 7, length - 8);
        return length;
    }

    /**
     * Whether these bytes are sense data of a known format, long enough for key and additional
     * sense.
     */
    public static boolean isValid(MemorySegment sense, long at, int length) {
        if (length < 8) {
            return false;
        }
        return switch (responseCode(sense, at)) {
            case RESPONSE_FIXED_CURRENT, RESPONSE_FIXED_DEFERRED -> length > ASCQ_OFFSET;
            case RESPONSE_DESCRIPTOR_CURRENT, RESPONSE_DESCRIPTOR_DEFERRED -> true;
            default -> false;
        };
    }

    /** Whether valid sense data tells of an earlier command. */
    public static boolean isDeferred(MemorySegment sense, long at) {
        return (responseCode(sense, at) & 1) != 0;
    }

    /** The {@link SenseKey} of valid sense data. */
    public static int key(MemorySegment sense, long at) {
        return BigEndian.u8(sense, isDescriptorFormat(sense, at) ? at + 1 : at + KEY_OFFSET) & 0x0F;
    }

    /** The {@link AdditionalSense} of valid sense data: ASC in the high byte. */
    public static int additionalSense(MemorySegment sense, long at) {
        return BigEndian.u16(sense, isDescriptorFormat(sense, at) ? at + 2 : at + ASC_OFFSET);
    }

    /** Whether valid sense data says that more or less was asked for than a block's length. */
    public static boolean isIncorrectLength(MemorySegment sense, long at) {
        return !isDescriptorFormat(sense, at) && (BigEndian.u8(sense, at + KEY_OFFSET) & ILI) != 0;
    }

    /**
     * The INFORMATION field of valid sense data of {@code length} bytes, or -1 when there is none.
     */
    public static long information(MemorySegment sense, long at, int length) {
        if (!isDescriptorFormat(sense, at)) {
            return (BigEndian.u8(sense, at) & VALID) != 0
                    ? BigEndian.u32(sense, at + INFORMATION_OFFSET)
                    : -1;
        }
        long descriptor = descriptor(sense, at, length, DESCRIPTOR_INFORMATION, 12);
        return descriptor < 0 ? -1 : BigEndian.u64(sense, descriptor + 4);
    }

    /**
     * The sense key specific bytes of valid sense data as a 24-bit number, or 0 when there are none
     * or they are not valid.
     */
    public static int keySpecific(MemorySegment sense, long at, int length) {
        long from;
        if (isDescriptorFormat(sense, at)) {
            long descriptor = descriptor(sense, at, length, DESCRIPTOR_KEY_SPECIFIC, 8);
            from = descriptor < 0 ? -1 : descriptor + 4;
        } else {
            from = length < BYTES ? -1 : at + KEY_SPECIFIC_OFFSET;
        }
        int bytes = from < 0 ? 0 : BigEndian.u24(sense, from);
        return (bytes & KEY_SPECIFIC_VALID << 16) != 0 ? bytes : 0;
    }

    /**
     * One line such as {@code ILLEGAL REQUEST: INVALID FIELD IN CDB, byte 1 bit 7}; never throws
     * for what a peer may send.
     */
    public static String describe(MemorySegment sense, long at, int length) {
        if (!isValid(sense, at, length)) {
            return length <= 0
                    ? "no sense"
                    : "unknown sense 0x" + CdbText.hex(BigEndian.u8(sense, at), 2);
        }
        StringBuilder text = new StringBuilder(isDeferred(sense, at) ? "deferred " : "");
        int key = key(sense, at);
        text.append(SenseKey.name(key))
                .append(": ")
                .append(AdditionalSense.name(additionalSense(sense, at)));
        int specific = keySpecific(sense, at, length);
        if (key == SenseKey.ILLEGAL_REQUEST && specific != 0) {
            text.append((specific >>> 16 & IN_CDB) != 0 ? ", byte " : ", parameter byte ")
                    .append(specific & 0xFFFF);
            if ((specific >>> 16 & BIT_POINTER_VALID) != 0) {
                text.append(" bit ").append(specific >>> 16 & 7);
            }
        }
        long information = information(sense, at, length);
        if (information != -1) {
            text.append(", information ").append(Long.toUnsignedString(information));
        }
        return text.toString();
    }

    private static int responseCode(MemorySegment sense, long at) {
        return BigEndian.u8(sense, at) & 0x7F;
    }

    private static boolean isDescriptorFormat(MemorySegment sense, long at) {
        return (responseCode(sense, at) & 2) != 0;
    }

    /** Where the first whole descriptor of a type and size begins, or -1. */
    private static long descriptor(MemorySegment sense, long at, int length, int type, int bytes) {
        int end = Math.min(length, 8 + BigEndian.u8(sense, at + 7));
        for (int next = 8; next + 2 <= end; next += 2 + BigEndian.u8(sense, at + next + 1)) {
            if (BigEndian.u8(sense, at + next) == type
                    && BigEndian.u8(sense, at + next + 1) == bytes - 2
                    && next + bytes <= end) {
                return at + next;
            }
        }
        return -1;
    }
}
