package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Guest to host: the beginning of a GPADL. Source: Linux {@code include/linux/hyperv.h}, {@code
 * struct vmbus_channel_gpadl_header}.
 *
 * <pre>
 *  8 +--------------------------------------------+
 *    | child_relid (u32)                          |
 * 12 +--------------------------------------------+
 *    | gpadl (u32)                                |
 * 16 +---------------------+----------------------+
 *    | range_buflen (u16)  | rangecount (u16)     |
 * 20 +---------------------+----------------------+
 *    | u64 words: ranges, as many as fit; see Gpadl
 *    +---------------------
 * </pre>
 *
 * @param rangeBytes {@code range_buflen}: bytes of all words of the GPADL, this message's and the
 *     bodies'
 * @param rangeCount ranges in the GPADL
 * @param words those in this message
 */
public record GpadlHeader(int relid, int gpadl, int rangeBytes, int rangeCount, GpadlWords words)
        implements ControlMessage {
    static final int RELID_OFFSET = HEADER_BYTES;
    static final int GPADL_OFFSET = RELID_OFFSET + Integer.BYTES;
    static final int RANGE_BYTES_OFFSET = GPADL_OFFSET + Integer.BYTES;
    static final int RANGE_COUNT_OFFSET = RANGE_BYTES_OFFSET + Short.BYTES;
    static final int WORDS_OFFSET = RANGE_COUNT_OFFSET + Short.BYTES;

    /** Most words one header carries: a range head and 26 PFNs. */
    public static final int MAX_WORDS = (MAX_BYTES - WORDS_OFFSET) / Long.BYTES;

    static GpadlHeader decodeBody(MemorySegment from, long at, int bytes) {
        int rangeBytes = Fields.u16(from, at + RANGE_BYTES_OFFSET);
        int present = (bytes - WORDS_OFFSET) / Long.BYTES;
        return new GpadlHeader(
                Fields.u32(from, at + RELID_OFFSET),
                Fields.u32(from, at + GPADL_OFFSET),
                rangeBytes,
                Fields.u16(from, at + RANGE_COUNT_OFFSET),
                GpadlWords.decode(
                        from, at + WORDS_OFFSET, Math.min(present, rangeBytes / Long.BYTES)));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
        Fields.putU32(to, at + GPADL_OFFSET, gpadl);
        Fields.putU16(to, at + RANGE_BYTES_OFFSET, rangeBytes);
        Fields.putU16(to, at + RANGE_COUNT_OFFSET, rangeCount);
        words.encode(to, at + WORDS_OFFSET);
    }

    @Override
    public MessageType type() {
        return MessageType.GPADL_HEADER;
    }

    @Override
    public int encodedBytes() {
        return WORDS_OFFSET + words.count() * Long.BYTES;
    }

    @Override
    public String describe() {
        return "GPADL_HEADER relid=%s gpadl=%s rangeBytes=%d ranges=%d words=%s"
                .formatted(Fields.id(relid), Fields.hex(gpadl), rangeBytes, rangeCount, words);
    }
}
