package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Host to guest: the GPADL is forgotten, its pages are not used any more. Source: Linux {@code
 * include/linux/hyperv.h}, {@code struct vmbus_channel_gpadl_torndown}.
 *
 * <pre>
 *  8 +--------------------------+
 *    | gpadl (u32)              |
 * 12 +--------------------------+
 * </pre>
 */
public record GpadlTorndown(int gpadl) implements ControlMessage {
    static final int GPADL_OFFSET = HEADER_BYTES;
    static final int BYTES = GPADL_OFFSET + Integer.BYTES;

    static GpadlTorndown decodeBody(MemorySegment from, long at) {
        return new GpadlTorndown(Fields.u32(from, at + GPADL_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + GPADL_OFFSET, gpadl);
    }

    @Override
    public MessageType type() {
        return MessageType.GPADL_TORNDOWN;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "GPADL_TORNDOWN gpadl=%s".formatted(Fields.hex(gpadl));
    }
}
