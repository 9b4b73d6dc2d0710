package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;

/**
 * Host to guest: the answer to INITIATE_CONTACT. Source: Linux {@code include/linux/hyperv.h},
 * {@code struct vmbus_channel_version_response}.
 *
 * <pre>
 *  8 +------------------------+-----------------------+---------------+
 *    | version_supported (u8) | connection_state (u8) | padding (u16) |
 * 12 +------------------------+-----------------------+---------------+
 *    | msg_conn_id (u32)                                              |
 * 16 +----------------------------------------------------------------+
 * </pre>
 *
 * @param supported 1 when the version asked for will be spoken, 0 to refuse it
 * @param connectionState {@link #SUCCESSFUL} or why a supported version cannot be used now
 * @param messageConnectionId where the guest sends later messages
 */
public record VersionResponse(int supported, int connectionState, int messageConnectionId)
        implements ControlMessage {
    /** {@link #connectionState}: OpenVMM {@code ConnectionState::SUCCESSFUL}. */
    public static final int SUCCESSFUL = 0;

    static final int SUPPORTED_OFFSET = HEADER_BYTES;
    static final int STATE_OFFSET = SUPPORTED_OFFSET + Byte.BYTES;
    static final int PADDING_OFFSET = STATE_OFFSET + Byte.BYTES;
    static final int CONNECTION_ID_OFFSET = PADDING_OFFSET + Short.BYTES;
    static final int BYTES = CONNECTION_ID_OFFSET + Integer.BYTES;

    static VersionResponse decodeBody(MemorySegment from, long at) {
        return new VersionResponse(
                Fields.u8(from, at + SUPPORTED_OFFSET),
                Fields.u8(from, at + STATE_OFFSET),
                Fields.u32(from, at + CONNECTION_ID_OFFSET));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        Fields.putU8(to, at + SUPPORTED_OFFSET, supported);
        Fields.putU8(to, at + STATE_OFFSET, connectionState);
        Fields.putU16(to, at + PADDING_OFFSET, 0);
        Fields.putU32(to, at + CONNECTION_ID_OFFSET, messageConnectionId);
    }

    @Override
    public MessageType type() {
        return MessageType.VERSION_RESPONSE;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "VERSION_RESPONSE supported=%d state=%d connection=%s"
                .formatted(supported, connectionState, Fields.hex(messageConnectionId));
    }
}
