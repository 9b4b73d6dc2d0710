package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Guest to host: more of a GPADL. Source: Linux {@code include/linux/hyperv.h}, {@code struct
 * vmbus_channel_gpadl_body}.
 *
 * <pre>
 *  8 +-----------------+
 *    | msgnumber (u32) |
 * 12 +-----------------+
 *    | gpadl (u32)     |
 * 16 +-----------------+
 *    | u64 words
 *    +---------
 * </pre>
 *
 * @param messageNumber Linux leaves it 0; nobody looks at it
 */
public record GpadlBody(int messageNumber, int gpadl, GpadlWords words) implements ControlMessage {
    static final int MESSAGE_NUMBER_OFFSET = HEADER_BYTES;
    static final int GPADL_OFFSET = MESSAGE_NUMBER_OFFSET + Integer.BYTES;
    static final int WORDS_OFFSET = GPADL_OFFSET + Integer.BYTES;

    /** Most words one body carries. */
    public static final int MAX_WORDS = (MAX_BYTES - WORDS_OFFSET) / Long.BYTES;

    static GpadlBody decodeBody(MemorySegment from, long at, int bytes) {
        return new GpadlBody(
                Fields.u32(from, at + MESSAGE_NUMBER_OFFSET),
                Fields.u32(from, at + GPADL_OFFSET),
                GpadlWords.decode(from, at + WORDS_OFFSET, (bytes - WORDS_OFFSET) / Long.BYTES));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + MESSAGE_NUMBER_OFFSET, messageNumber);
        Fields.putU32(to, at + GPADL_OFFSET, gpadl);
        words.encode(to, at + WORDS_OFFSET);
    }

    @Override
    public MessageType type() {
        return MessageType.GPADL_BODY;
    }

    @Override
    public int encodedBytes() {
        return WORDS_OFFSET + words.count() * Long.BYTES;
    }

    @Override
    public String describe() {
        return "GPADL_BODY gpadl=%s number=%s words=%s"
                .formatted(Fields.hex(gpadl), Fields.id(messageNumber), words);
    }
}
