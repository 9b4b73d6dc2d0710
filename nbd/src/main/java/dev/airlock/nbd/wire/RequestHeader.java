package dev.airlock.nbd.wire;

import static dev.airlock.nbd.wire.BigEndian.INT;
import static dev.airlock.nbd.wire.BigEndian.LONG;
import static dev.airlock.nbd.wire.BigEndian.SHORT;

import java.lang.foreign.MemorySegment;

/**
 * A client's request, NBD {@code doc/proto.md}, "Request message", compact or extended.
 *
 * <pre>
 *   0         4         6         8          16         24         28        32
 *  +---------+---------+---------+----------+----------+---------------------+
 *  | magic   | flags   | type    | cookie   | offset   | length u32 or u64   | payload
 *  +---------+---------+---------+----------+----------+---------------------+
 * </pre>
 */
public final class RequestHeader {
    public static final int COMPACT_MAGIC = 0x25609513;
    public static final int EXTENDED_MAGIC = 0x21e41c71;

    public static final int FLAGS_OFFSET = 4;
    public static final int TYPE_OFFSET = FLAGS_OFFSET + Short.BYTES;
    public static final int COOKIE_OFFSET = TYPE_OFFSET + Short.BYTES;
    public static final int OFFSET_OFFSET = COOKIE_OFFSET + Long.BYTES;
    public static final int LENGTH_OFFSET = OFFSET_OFFSET + Long.BYTES;

    public static final int COMPACT_BYTES = LENGTH_OFFSET + Integer.BYTES;
    public static final int EXTENDED_BYTES = LENGTH_OFFSET + Long.BYTES;

    private RequestHeader() {}

    public static int bytes(boolean extended) {
        return extended ? EXTENDED_BYTES : COMPACT_BYTES;
    }

    public static boolean isMagicRight(MemorySegment data, long at, boolean extended) {
        return data.get(INT, at) == (extended ? EXTENDED_MAGIC : COMPACT_MAGIC);
    }

    public static int flags(MemorySegment data, long at) {
        return Short.toUnsignedInt(data.get(SHORT, at + FLAGS_OFFSET));
    }

    public static int type(MemorySegment data, long at) {
        return Short.toUnsignedInt(data.get(SHORT, at + TYPE_OFFSET));
    }

    public static long cookie(MemorySegment data, long at) {
        return data.get(LONG, at + COOKIE_OFFSET);
    }

    /** Unsigned. */
    public static long offset(MemorySegment data, long at) {
        return data.get(LONG, at + OFFSET_OFFSET);
    }

    /** Unsigned, where extended. */
    public static long length(MemorySegment data, long at, boolean extended) {
        return extended
                ? data.get(LONG, at + LENGTH_OFFSET)
                : Integer.toUnsignedLong(data.get(INT, at + LENGTH_OFFSET));
    }

    /** Writes a whole header. */
    public static void write(
            MemorySegment data,
            long at,
            boolean extended,
            int flags,
            int type,
            long cookie,
            long offset,
            long length) {
        data.set(INT, at, extended ? EXTENDED_MAGIC : COMPACT_MAGIC);
        data.set(SHORT, at + FLAGS_OFFSET, (short) flags);
        data.set(SHORT, at + TYPE_OFFSET, (short) type);
        data.set(LONG, at + COOKIE_OFFSET, cookie);
        data.set(LONG, at + OFFSET_OFFSET, offset);
        if (extended) {
            data.set(LONG, at + LENGTH_OFFSET, length);
        } else {
            data.set(INT, at + LENGTH_OFFSET, (int) length);
        }
    }
}
