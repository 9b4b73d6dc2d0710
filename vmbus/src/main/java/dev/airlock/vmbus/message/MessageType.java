package dev.airlock.vmbus.message;

import org.jspecify.annotations.Nullable;

/**
 * Control messages by number. Source: Linux {@code include/linux/hyperv.h}, {@code enum
 * vmbus_channel_message_type}.
 */
public enum MessageType {
    OFFER_CHANNEL(1, false, OfferChannel.BYTES),
    RESCIND_CHANNEL_OFFER(2, false, RescindChannelOffer.BYTES),
    REQUEST_OFFERS(3, true, ControlMessage.HEADER_BYTES),
    ALL_OFFERS_DELIVERED(4, false, ControlMessage.HEADER_BYTES),
    OPEN_CHANNEL(5, true, OpenChannel.BYTES),
    OPEN_CHANNEL_RESULT(6, false, OpenChannelResult.BYTES),
    CLOSE_CHANNEL(7, true, CloseChannel.BYTES),
    GPADL_HEADER(8, true, GpadlHeader.WORDS_OFFSET),
    GPADL_BODY(9, true, GpadlBody.WORDS_OFFSET),
    GPADL_CREATED(10, false, GpadlCreated.BYTES),
    GPADL_TEARDOWN(11, true, GpadlTeardown.BYTES),
    GPADL_TORNDOWN(12, false, GpadlTorndown.BYTES),
    RELID_RELEASED(13, true, RelidReleased.BYTES),
    INITIATE_CONTACT(14, true, InitiateContact.BYTES),
    VERSION_RESPONSE(15, false, VersionResponse.BYTES),
    UNLOAD(16, true, ControlMessage.HEADER_BYTES),
    UNLOAD_RESPONSE(17, false, ControlMessage.HEADER_BYTES),
    TL_CONNECT_REQUEST(21, true, TlConnectRequest.BYTES),
    MODIFY_CHANNEL(22, true, ModifyChannel.BYTES),
    TL_CONNECT_RESULT(23, false, TlConnectResult.BYTES),
    MODIFY_CHANNEL_RESPONSE(24, false, ModifyChannelResponse.BYTES);

    private static final @Nullable MessageType[] BY_NUMBER = byNumber();

    private final int number;
    private final boolean fromGuest;
    private final int minBytes;

    MessageType(int number, boolean fromGuest, int minBytes) {
        this.number = number;
        this.fromGuest = fromGuest;
        this.minBytes = minBytes;
    }

    /** As on the wire. */
    public int number() {
        return number;
    }

    /** True for what guests send, false for what hosts send. */
    public boolean isFromGuest() {
        return fromGuest;
    }

    /** Smallest valid size, header included. Longer messages are accepted, the rest is ignored. */
    public int minBytes() {
        return minBytes;
    }

    /** The type with this number, null when there is none. */
    public static @Nullable MessageType of(int number) {
        return number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    }

    private static @Nullable MessageType[] byNumber() {
        @Nullable MessageType[] table =
                new @Nullable MessageType[MODIFY_CHANNEL_RESPONSE.number + 1];
        for (MessageType type : values()) {
            table[type.number] = type;
        }
        return table;
    }
}
