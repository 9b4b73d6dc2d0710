package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/** Guest to host: send your offers, once per connection. The header is all of it. */
public record RequestOffers() implements ControlMessage {
    @Override
    public void encodeBody(MemorySegment to, long at) {}

    @Override
    public MessageType type() {
        return MessageType.REQUEST_OFFERS;
    }

    @Override
    public int encodedBytes() {
        return HEADER_BYTES;
    }

    @Override
    public String describe() {
        return "REQUEST_OFFERS";
    }
}
