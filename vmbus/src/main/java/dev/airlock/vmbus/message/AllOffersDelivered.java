package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/** Host to guest: these were the offers of this moment; more may come. The header is all of it. */
public record AllOffersDelivered() implements ControlMessage {
    @Override
    public void encodeBody(MemorySegment to, long at) {}

    @Override
    public MessageType type() {
        return MessageType.ALL_OFFERS_DELIVERED;
    }

    @Override
    public int encodedBytes() {
        return HEADER_BYTES;
    }

    @Override
    public String describe() {
        return "ALL_OFFERS_DELIVERED";
    }
}
