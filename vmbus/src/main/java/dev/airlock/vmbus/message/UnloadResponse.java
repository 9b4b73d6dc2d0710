package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Host to guest: the connection has ended, nothing of the guest is used any more. The header is all
 * of it.
 */
public record UnloadResponse() implements ControlMessage {
    @Override
    public void encodeBody(MemorySegment to, long at) {}

    @Override
    public MessageType type() {
        return MessageType.UNLOAD_RESPONSE;
    }

    @Override
    public int encodedBytes() {
        return HEADER_BYTES;
    }

    @Override
    public String describe() {
        return "UNLOAD_RESPONSE";
    }
}
