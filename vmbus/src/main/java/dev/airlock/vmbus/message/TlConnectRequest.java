package dev.airlock.vmbus.message;

import dev.airlock.vmbus.Guid;
import java.lang.foreign.MemorySegment;

/**
 * Guest to host: connect a Hyper-V socket. Airlock's host refuses it ({@link TlConnectResult}).
 * Source: Linux {@code include/linux/hyperv.h}, {@code struct vmbus_channel_tl_connect_request}.
 *
 * <pre>
 *  8 +--------------------------+
 *    | guest_endpoint_id (GUID) |
 * 24 +--------------------------+
 *    | host_service_id (GUID)   |
 * 40 +--------------------------+
 * </pre>
 */
public record TlConnectRequest(Guid endpoint, Guid service) implements ControlMessage {
    static final int ENDPOINT_OFFSET = HEADER_BYTES;
    static final int SERVICE_OFFSET = ENDPOINT_OFFSET + Guid.BYTES;
    static final int BYTES = SERVICE_OFFSET + Guid.BYTES;

    static TlConnectRequest decodeBody(MemorySegment from, long at) {
        return new TlConnectRequest(
                Guid.decode(from, at + ENDPOINT_OFFSET), Guid.decode(from, at + SERVICE_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        endpoint.encode(to, at + ENDPOINT_OFFSET);
        service.encode(to, at + SERVICE_OFFSET);
    }

    @Override
    public MessageType type() {
        return MessageType.TL_CONNECT_REQUEST;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "TL_CONNECT_REQUEST endpoint=" + endpoint + " service=" + service;
    }
}
