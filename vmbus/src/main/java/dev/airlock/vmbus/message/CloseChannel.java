package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Guest to host: stop using the channel's rings. There is no answer. Source: Linux {@code
 * include/linux/hyperv.h}, {@code struct vmbus_channel_close_channel}.
 *
 * <pre>
 *  8 +-------------------+
 *    | child_relid (u32) |
 * 12 +-------------------+
 * </pre>
 */
public record CloseChannel(int relid) implements ControlMessage {
    static final int RELID_OFFSET = HEADER_BYTES;
    static final int BYTES = RELID_OFFSET + Integer.BYTES;

    static CloseChannel decodeBody(MemorySegment from, long at) {
        return new CloseChannel(Fields.u32(from, at + RELID_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
    }

    @Override
    public MessageType type() {
        return MessageType.CLOSE_CHANNEL;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "CLOSE_CHANNEL relid=" + Fields.id(relid);
    }
}
