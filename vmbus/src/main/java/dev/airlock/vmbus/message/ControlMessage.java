package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A VMBus control message, the payload of one SynIC message. Source: Linux {@code
 * include/linux/hyperv.h}, {@code struct vmbus_channel_message_header}; little endian.
 *
 * <pre>
 * 0 +---------+---------+
 *   | msgtype | padding |   u32 each
 * 8 +---------+---------+
 *   | body              |
 *   +-------------------+
 * </pre>
 *
 * <p>Implementations are immutable. Ids and counts are u32 on the wire, kept in {@code int}s; text
 * shows them unsigned.
 */
public sealed interface ControlMessage
        permits OfferChannel,
                RescindChannelOffer,
                RequestOffers,
                AllOffersDelivered,
                OpenChannel,
                OpenChannelResult,
                CloseChannel,
                GpadlHeader,
                GpadlBody,
                GpadlCreated,
                GpadlTeardown,
                GpadlTorndown,
                RelidReleased,
                InitiateContact,
                VersionResponse,
                Unload,
                UnloadResponse,
                TlConnectRequest,
                TlConnectResult,
                ModifyChannel,
                ModifyChannelResponse {

    /** {@code struct vmbus_channel_message_header}. */
    int HEADER_BYTES = 2 * Integer.BYTES;

    /**
     * Largest message: the payload of a SynIC message (TLFS, {@code
     * HV_MESSAGE_PAYLOAD_BYTE_COUNT}).
     */
    int MAX_BYTES = 240;

    /** Status fields: success. */
    int STATUS_SUCCESS = 0;

    /** Status fields: NTSTATUS STATUS_UNSUCCESSFUL. */
    int STATUS_UNSUCCESSFUL = 0xC000_0001;

    /** Status fields: NTSTATUS STATUS_INVALID_PARAMETER. */
    int STATUS_INVALID_PARAMETER = 0xC000_000D;

    /** Status fields: NTSTATUS STATUS_INSUFFICIENT_RESOURCES; a limit was reached. */
    int STATUS_INSUFFICIENT_RESOURCES = 0xC000_009A;

    /** Status fields: NTSTATUS STATUS_CONNECTION_REFUSED. */
    int STATUS_CONNECTION_REFUSED = 0xC000_0236;

    /** Which message this is. */
    MessageType type();

    /** Size on the wire, header included; at most {@link #MAX_BYTES}. */
    int encodedBytes();

    /** Writes what follows the header, at {@code at + HEADER_BYTES} and beyond. */
    void encodeBody(MemorySegment to, long at);

    /** One line for people: the name and {@code field=value} pairs. */
    String describe();

    /**
     * Writes the whole message.
     *
     * @param at where the header goes
     * @return {@link #encodedBytes()}
     */
    default int encode(MemorySegment to, long at) {
        to.set(Fields.U32, at, type().number());
        to.set(Fields.U32, at + Integer.BYTES, 0);
        encodeBody(to, at);
        return encodedBytes();
    }

    /** The message as bytes of its own. */
    default byte[] toBytes() {
        byte[] bytes = new byte[encodedBytes()];
        encode(MemorySegment.ofArray(bytes), 0);
        return bytes;
    }

    /** The type number of a message of at least 4 bytes. */
    static int typeNumber(MemorySegment from, long at) {
        return from.get(Fields.U32, at);
    }

    /**
     * Reads a message from a private copy. Content is checked for shape only: lengths and counts
     * that say how much to read. What the fields mean is for the receiver to check.
     *
     * @param at where the header is
     * @param bytes size of the message
     * @return null when it is not a message: unknown type, too short, too long
     */
    static @Nullable ControlMessage decode(MemorySegment from, long at, int bytes) {
        if (bytes < HEADER_BYTES || bytes > MAX_BYTES) {
            return null;
        }
        MessageType type = MessageType.of(typeNumber(from, at));
        if (type == null || bytes < type.minBytes()) {
            return null;
        }
        return switch (type) {
            case OFFER_CHANNEL -> OfferChannel.decodeBody(from, at);
            case RESCIND_CHANNEL_OFFER -> RescindChannelOffer.decodeBody(from, at);
            case REQUEST_OFFERS -> new RequestOffers();
            case ALL_OFFERS_DELIVERED -> new AllOffersDelivered();
            case OPEN_CHANNEL -> OpenChannel.decodeBody(from, at);
            case OPEN_CHANNEL_RESULT -> OpenChannelResult.decodeBody(from, at);
            case CLOSE_CHANNEL -> CloseChannel.decodeBody(from, at);
            case GPADL_HEADER -> GpadlHeader.decodeBody(from, at, bytes);
            case GPADL_BODY -> GpadlBody.decodeBody(from, at, bytes);
            case GPADL_CREATED -> GpadlCreated.decodeBody(from, at);
            case GPADL_TEARDOWN -> GpadlTeardown.decodeBody(from, at);
            case GPADL_TORNDOWN -> GpadlTorndown.decodeBody(from, at);
            case RELID_RELEASED -> RelidReleased.decodeBody(from, at);
            case INITIATE_CONTACT -> InitiateContact.decodeBody(from, at);
            case VERSION_RESPONSE -> VersionResponse.decodeBody(from, at);
            case UNLOAD -> new Unload();
            case UNLOAD_RESPONSE -> new UnloadResponse();
            case TL_CONNECT_REQUEST -> TlConnectRequest.decodeBody(from, at);
            case TL_CONNECT_RESULT -> TlConnectResult.decodeBody(from, at);
            case MODIFY_CHANNEL -> ModifyChannel.decodeBody(from, at);
            case MODIFY_CHANNEL_RESPONSE -> ModifyChannelResponse.decodeBody(from, at);
        };
    }
}
