package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Host to guest: the answer to MODIFY_CHANNEL, since 5.3. Source: Linux {@code
 * include/linux/hyperv.h}, {@code struct vmbus_channel_modifychannel_response}.
 *
 * <pre>
 *  8 +--------------------------+
 *    | child_relid (u32)        |
 * 12 +--------------------------+
 *    | status (u32)             |
 * 16 +--------------------------+
 * </pre>
 */
public record ModifyChannelResponse(int relid, int status) implements ControlMessage {
    static final int RELID_OFFSET = HEADER_BYTES;
    static final int STATUS_OFFSET = RELID_OFFSET + Integer.BYTES;
    static final int BYTES = STATUS_OFFSET + Integer.BYTES;

    static ModifyChannelResponse decodeBody(MemorySegment from, long at) {
        return new ModifyChannelResponse(
                Fields.u32(from, at + RELID_OFFSET), Fields.u32(from, at + STATUS_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
        Fields.putU32(to, at + STATUS_OFFSET, status);
    }

    @Override
    public MessageType type() {
        return MessageType.MODIFY_CHANNEL_RESPONSE;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "MODIFY_CHANNEL_RESPONSE relid=%s status=%s"
                .formatted(Fields.id(relid), Fields.hex(status));
    }
}
