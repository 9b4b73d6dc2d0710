package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Host to guest: the answer to a complete GPADL; status 0 means it may be used. Source: Linux
 * {@code include/linux/hyperv.h}, {@code struct vmbus_channel_gpadl_created}.
 *
 * <pre>
 *  8 +--------------------------+
 *    | child_relid (u32)        |
 * 12 +--------------------------+
 *    | gpadl (u32)              |
 * 16 +--------------------------+
 *    | creation_status (u32)    |
 * 20 +--------------------------+
 * </pre>
 */
public record GpadlCreated(int relid, int gpadl, int status) implements ControlMessage {
    static final int RELID_OFFSET = HEADER_BYTES;
    static final int GPADL_OFFSET = RELID_OFFSET + Integer.BYTES;
    static final int STATUS_OFFSET = GPADL_OFFSET + Integer.BYTES;
    static final int BYTES = STATUS_OFFSET + Integer.BYTES;

    static GpadlCreated decodeBody(MemorySegment from, long at) {
        return new GpadlCreated(
                Fields.u32(from, at + RELID_OFFSET),
                Fields.u32(from, at + GPADL_OFFSET),
                Fields.u32(from, at + STATUS_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
        Fields.putU32(to, at + GPADL_OFFSET, gpadl);
        Fields.putU32(to, at + STATUS_OFFSET, status);
    }

    @Override
    public MessageType type() {
        return MessageType.GPADL_CREATED;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "GPADL_CREATED relid=%s gpadl=%s status=%s"
                .formatted(Fields.id(relid), Fields.hex(gpadl), Fields.hex(status));
    }
}
