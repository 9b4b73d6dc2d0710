package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Guest to host: forget this GPADL. Source: Linux {@code include/linux/hyperv.h}, {@code struct
 * vmbus_channel_gpadl_teardown}.
 *
 * <pre>
 *  8 +--------------------------+
 *    | child_relid (u32)        |
 * 12 +--------------------------+
 *    | gpadl (u32)              |
 * 16 +--------------------------+
 * </pre>
 */
public record GpadlTeardown(int relid, int gpadl) implements ControlMessage {
    static final int RELID_OFFSET = HEADER_BYTES;
    static final int GPADL_OFFSET = RELID_OFFSET + Integer.BYTES;
    static final int BYTES = GPADL_OFFSET + Integer.BYTES;

    static GpadlTeardown decodeBody(MemorySegment from, long at) {
        return new GpadlTeardown(
                Fields.u32(from, at + RELID_OFFSET), Fields.u32(from, at + GPADL_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
        Fields.putU32(to, at + GPADL_OFFSET, gpadl);
    }

    @Override
    public MessageType type() {
        return MessageType.GPADL_TEARDOWN;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "GPADL_TEARDOWN relid=%s gpadl=%s".formatted(Fields.id(relid), Fields.hex(gpadl));
    }
}
