package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Guest to host: end the connection, with every channel and GPADL of it. The header is all of it.
 */
public record Unload() implements ControlMessage {
    @Override
    public void encodeBody(MemorySegment to, long at) {}

    @Override
    public MessageType type() {
        return MessageType.UNLOAD;
    }

    @Override
    public int encodedBytes() {
        return HEADER_BYTES;
    }

    @Override
    public String describe() {
        return "UNLOAD";
    }
}
