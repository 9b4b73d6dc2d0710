package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Guest to host: the number of a rescinded channel may be given to another. Source: Linux {@code
 * include/linux/hyperv.h}, {@code struct vmbus_channel_relid_released}.
 *
 * <pre>
 *  8 +-------------------+
 *    | child_relid (u32) |
 * 12 +-------------------+
 * </pre>
 */
public record RelidReleased(int relid) implements ControlMessage {
    static final int RELID_OFFSET = HEADER_BYTES;
    static final int BYTES = RELID_OFFSET + Integer.BYTES;

    static RelidReleased decodeBody(MemorySegment from, long at) {
        return new RelidReleased(Fields.u32(from, at + RELID_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
    }

    @Override
    public MessageType type() {
        return MessageType.RELID_RELEASED;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "RELID_RELEASED relid=" + Fields.id(relid);
    }
}
