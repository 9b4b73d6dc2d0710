package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Host to guest: the answer to OPEN_CHANNEL; status 0 means open. Source: Linux {@code
 * include/linux/hyperv.h}, {@code struct vmbus_channel_open_result}.
 *
 * <pre>
 *  8 +--------------------------+
 *    | child_relid (u32)        |
 * 12 +--------------------------+
 *    | openid (u32)             |
 * 16 +--------------------------+
 *    | status (u32)             |
 * 20 +--------------------------+
 * </pre>
 */
public record OpenChannelResult(int relid, int openId, int status) implements ControlMessage {
    static final int RELID_OFFSET = HEADER_BYTES;
    static final int OPEN_ID_OFFSET = RELID_OFFSET + Integer.BYTES;
    static final int STATUS_OFFSET = OPEN_ID_OFFSET + Integer.BYTES;
    static final int BYTES = STATUS_OFFSET + Integer.BYTES;

    static OpenChannelResult decodeBody(MemorySegment from, long at) {
        return new OpenChannelResult(
                Fields.u32(from, at + RELID_OFFSET),
                Fields.u32(from, at + OPEN_ID_OFFSET),
                Fields.u32(from, at + STATUS_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
        Fields.putU32(to, at + OPEN_ID_OFFSET, openId);
        Fields.putU32(to, at + STATUS_OFFSET, status);
    }

    @Override
    public MessageType type() {
        return MessageType.OPEN_CHANNEL_RESULT;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "OPEN_CHANNEL_RESULT relid=%s openId=%s status=%s"
                .formatted(Fields.id(relid), Fields.id(openId), Fields.hex(status));
    }
}
