package dev.airlock.vmbus.message;

import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.UserData;
import java.lang.foreign.MemorySegment;

/**
 * Host to guest: here is a channel. Source: Linux {@code include/linux/hyperv.h}, {@code struct
 * vmbus_channel_offer_channel} around {@code struct vmbus_channel_offer}.
 *
 * <pre>
 *   8 +------------------------------------------------------+
 *     | if_type (GUID)                                       |
 *  24 +------------------------------------------------------+
 *     | if_instance (GUID)                                   |
 *  40 +------------------------------------------------------+
 *     | reserved1, reserved2                     (u64 each)  |
 *  56 +-----------------+------------------------------------+
 *     | chn_flags (u16) | mmio_megabytes (u16)               |
 *  60 +-----------------+------------------------------------+
 *     | user_def[120]                                        |
 * 180 +-------------------------+----------------------------+
 *     | sub_channel_index (u16) | reserved3 (u16)            |
 * 184 +-------------------------+----------------------------+
 *     | child_relid (u32)                                    |
 * 188 +----------------+------------------------+------------+
 *     | monitorid (u8) | monitor_allocated (u8) | dedicated (u16)
 * 192 +----------------+------------------------+------------+
 *     | connection_id (u32)                                  |
 * 196 +------------------------------------------------------+
 * </pre>
 */
public record OfferChannel(Offer offer) implements ControlMessage {
    static final int IF_TYPE_OFFSET = HEADER_BYTES;
    static final int IF_INSTANCE_OFFSET = IF_TYPE_OFFSET + Guid.BYTES;
    static final int RESERVED1_OFFSET = IF_INSTANCE_OFFSET + Guid.BYTES;
    static final int RESERVED2_OFFSET = RESERVED1_OFFSET + Long.BYTES;
    static final int FLAGS_OFFSET = RESERVED2_OFFSET + Long.BYTES;
    static final int MMIO_OFFSET = FLAGS_OFFSET + Short.BYTES;
    static final int USER_DEFINED_OFFSET = MMIO_OFFSET + Short.BYTES;
    static final int SUBCHANNEL_OFFSET = USER_DEFINED_OFFSET + UserData.BYTES;
    static final int RESERVED3_OFFSET = SUBCHANNEL_OFFSET + Short.BYTES;
    static final int RELID_OFFSET = RESERVED3_OFFSET + Short.BYTES;
    static final int MONITOR_ID_OFFSET = RELID_OFFSET + Integer.BYTES;
    static final int MONITOR_FLAGS_OFFSET = MONITOR_ID_OFFSET + Byte.BYTES;
    static final int INTERRUPT_FLAGS_OFFSET = MONITOR_FLAGS_OFFSET + Byte.BYTES;
    static final int CONNECTION_ID_OFFSET = INTERRUPT_FLAGS_OFFSET + Short.BYTES;
    static final int BYTES = CONNECTION_ID_OFFSET + Integer.BYTES;

    static OfferChannel decodeBody(MemorySegment from, long at) {
        return new OfferChannel(
                new Offer(
                        Guid.decode(from, at + IF_TYPE_OFFSET),
                        Guid.decode(from, at + IF_INSTANCE_OFFSET),
                        Fields.u16(from, at + FLAGS_OFFSET),
                        Fields.u16(from, at + MMIO_OFFSET),
                        UserData.decode(from, at + USER_DEFINED_OFFSET),
                        Fields.u16(from, at + SUBCHANNEL_OFFSET),
                        Fields.u16(from, at + RESERVED3_OFFSET),
                        Fields.u32(from, at + RELID_OFFSET),
                        Fields.u8(from, at + MONITOR_ID_OFFSET),
                        Fields.u8(from, at + MONITOR_FLAGS_OFFSET),
                        Fields.u16(from, at + INTERRUPT_FLAGS_OFFSET),
                        Fields.u32(from, at + CONNECTION_ID_OFFSET)));
    }

    @Override
    public void encodeBody(MemorySegment to, long at) {
        offer.interfaceType().encode(to, at + IF_TYPE_OFFSET);
        offer.interfaceInstance().encode(to, at + IF_INSTANCE_OFFSET);
        Fields.putU64(to, at + RESERVED1_OFFSET, 0);
        Fields.putU64(to, at + RESERVED2_OFFSET, 0);
        Fields.putU16(to, at + FLAGS_OFFSET, offer.flags());
        Fields.putU16(to, at + MMIO_OFFSET, offer.mmioMegabytes());
        offer.userDefined().encode(to, at + USER_DEFINED_OFFSET);
        Fields.putU16(to, at + SUBCHANNEL_OFFSET, offer.subchannelIndex());
        Fields.putU16(to, at + RESERVED3_OFFSET, offer.mmioMegabytesOptional());
        Fields.putU32(to, at + RELID_OFFSET, offer.relid());
        Fields.putU8(to, at + MONITOR_ID_OFFSET, offer.monitorId());
        Fields.putU8(to, at + MONITOR_FLAGS_OFFSET, offer.monitorFlags());
        Fields.putU16(to, at + INTERRUPT_FLAGS_OFFSET, offer.interruptFlags());
        Fields.putU32(to, at + CONNECTION_ID_OFFSET, offer.connectionId());
    }

    @Override
    public MessageType type() {
        return MessageType.OFFER_CHANNEL;
    }

    @Override
    public int encodedBytes() {
        return BYTES;
    }

    @Override
    public String describe() {
        return "OFFER_CHANNEL relid=%s type=%s instance=%s sub=%d flags=%s connection=%s userDefined=%s"
                .formatted(
                        Fields.id(offer.relid()),
                        offer.interfaceType(),
                        offer.interfaceInstance(),
                        offer.subchannelIndex(),
                        Fields.hex(offer.flags()),
                        Fields.hex(offer.connectionId()),
                        offer.userDefined());
    }
}
