package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Host to guest: this channel goes away; answered by RELID_RELEASED once the guest is done. Source:
 * Linux {@code include/linux/hyperv.h}, {@code struct vmbus_channel_rescind_offer}.
 *
 * <pre>
 *  8 +-------------------+
 *    | child_relid (u32) |
 * 12 +-------------------+
 * </pre>
 */
public record RescindChannelOffer(int relid) implements ControlMessage {
    static final int RELID_OFFSET = HEADER_BYTES;
    static final int BYTES = RELID_OFFSET + Integer.BYTES;

    static RescindChannelOffer decodeBody(MemorySegment from, long at) {
        return new RescindChannelOffer(Fields.u32(from, at + RELID_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU32(to, at + RELID_OFFSET, relid);
    }

    @Override
    public MessageType type() {
        return MessageType.RESCIND_CHANNEL_OFFER;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "RESCIND_CHANNEL_OFFER relid=" + Fields.id(relid);
    }
}
