package dev.airlock.vmbus.message;

import dev.airlock.vmbus.Guid;
import java.lang.foreign.MemorySegment;

/**
 * Host to guest: the answer to {@link TlConnectRequest}. Source: OpenVMM {@code
 * vmbus_core/src/protocol.rs}, {@code TlConnectResult}.
 *
 * <pre>
 *  8 +--------------------------+
 *    | endpoint_id (GUID)       |
 * 24 +--------------------------+
 *    | service_id (GUID)        |
 * 40 +--------------------------+
 *    | status (u32)             |
 * 44 +--------------------------+
 * </pre>
 */
public record TlConnectResult(Guid endpoint, Guid service, int status) implements ControlMessage {
    static final int ENDPOINT_OFFSET = HEADER_BYTES;
    static final int SERVICE_OFFSET = ENDPOINT_OFFSET + Guid.BYTES;
    static final int STATUS_OFFSET = SERVICE_OFFSET + Guid.BYTES;
    static final int BYTES = STATUS_OFFSET + Integer.BYTES;

    static TlConnectResult decodeBody(MemorySegment from, long at) {
        return new TlConnectResult(
                Guid.decode(from, at + ENDPOINT_OFFSET),
                Guid.decode(from, at + SERVICE_OFFSET),
                Fields.u32(from, at + STATUS_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        endpoint.encode(to, at + ENDPOINT_OFFSET);
        service.encode(to, at + SERVICE_OFFSET);
        Fields.putU32(to, at + STATUS_OFFSET, status);
    }

    @Override
    public MessageType type() {
        return MessageType.TL_CONNECT_RESULT;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "TL_CONNECT_RESULT endpoint=%s service=%s status=%s"
                .formatted(endpoint, service, Fields.hex(status));
    }
}
