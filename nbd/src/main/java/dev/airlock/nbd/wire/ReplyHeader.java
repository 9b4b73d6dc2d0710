package dev.airlock.nbd.wire;

import static dev.airlock.nbd.wire.BigEndian.INT;
import static dev.airlock.nbd.wire.BigEndian.LONG;
import static dev.airlock.nbd.wire.BigEndian.SHORT;

import java.lang.foreign.MemorySegment;

/**
 * The head of a reply, NBD {@code doc/proto.md}, "Simple reply message", "Structured reply chunk
 * message", "Extended reply chunk message".
 *
 * <pre>
 *   0         4         8                   16
 *  +---------+---------+-------------------+
 *  | magic   | error   | cookie            | data of a read           simple
 *  +---------+----+----+-------------------+----------+
 *  | magic   |flg |type| cookie            | length   | payload       structured
 *  +---------+----+----+-------------------+----------+----------+
 *  | magic   |flg |type| cookie            | offset   | length   |    extended
 *  +---------+----+----+-------------------+----------+----------+
 * </pre>
 */
public final class ReplyHeader {
    public static final int SIMPLE_MAGIC = 0x67446698;
    public static final int STRUCTURED_MAGIC = 0x668e33ef;
    public static final int EXTENDED_MAGIC = 0x6e8a278c;

    public static final int ERROR_OFFSET = 4;
    public static final int FLAGS_OFFSET = 4;
    public static final int TYPE_OFFSET = FLAGS_OFFSET + Short.BYTES;
    public static final int COOKIE_OFFSET = 8;

    public static final int SIMPLE_BYTES = COOKIE_OFFSET + Long.BYTES;
    public static final int STRUCTURED_LENGTH_OFFSET = COOKIE_OFFSET + Long.BYTES;
    public static final int STRUCTURED_BYTES = STRUCTURED_LENGTH_OFFSET + Integer.BYTES;
    public static final int EXTENDED_OFFSET_OFFSET = COOKIE_OFFSET + Long.BYTES;
    public static final int EXTENDED_LENGTH_OFFSET = EXTENDED_OFFSET_OFFSET + Long.BYTES;
    public static final int EXTENDED_BYTES = EXTENDED_LENGTH_OFFSET + Long.BYTES;

    /** u32 error, u16 length of a message, which is empty. */
    public static final int ERROR_PAYLOAD_BYTES = 6;

    /** Before the data of an OFFSET_DATA chunk. */
    public static final int DATA_OFFSET_BYTES = Long.BYTES;

    /** Room for any header with what precedes the data. */
    public static final int BYTES_MAX = EXTENDED_BYTES + Long.BYTES;

    private ReplyHeader() {}

    /** Writes a simple reply; returns its length. */
    public static int writeSimple(MemorySegment data, long at, int error, long cookie) {
        data.set(INT, at, SIMPLE_MAGIC);
        data.set(INT, at + ERROR_OFFSET, error);
        data.set(LONG, at + COOKIE_OFFSET, cookie);
        return SIMPLE_BYTES;
    }

    /**
     * Writes the header of a reply's only chunk.
     *
     * @param requestOffset what the client asked for; only in extended headers
     * @param length of the payload that follows
     * @return bytes of the header
     */
    public static int writeChunk(
            MemorySegment data,
            long at,
            boolean extended,
            int type,
            long cookie,
            long requestOffset,
            long length) {
        data.set(INT, at, extended ? EXTENDED_MAGIC : STRUCTURED_MAGIC);
        data.set(SHORT, at + FLAGS_OFFSET, (short) Transmission.CHUNK_DONE);
        data.set(SHORT, at + TYPE_OFFSET, (short) type);
        data.set(LONG, at + COOKIE_OFFSET, cookie);
        if (extended) {
            data.set(LONG, at + EXTENDED_OFFSET_OFFSET, requestOffset);
            data.set(LONG, at + EXTENDED_LENGTH_OFFSET, length);
            return EXTENDED_BYTES;
        }
        data.set(INT, at + STRUCTURED_LENGTH_OFFSET, (int) length);
        return STRUCTURED_BYTES;
    }
}
