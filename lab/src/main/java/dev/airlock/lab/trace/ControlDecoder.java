package dev.airlock.lab.trace;

import dev.airlock.vmbus.Guid;
import dev.airlock.vmbus.Offer;
import dev.airlock.vmbus.VmbusVersion;
import dev.airlock.vmbus.message.CloseChannel;
import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlTeardown;
import dev.airlock.vmbus.message.GpadlTorndown;
import dev.airlock.vmbus.message.InitiateContact;
import dev.airlock.vmbus.message.MessageType;
import dev.airlock.vmbus.message.ModifyChannel;
import dev.airlock.vmbus.message.ModifyChannelResponse;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import dev.airlock.vmbus.message.OpenChannelResult;
import dev.airlock.vmbus.message.RelidReleased;
import dev.airlock.vmbus.message.RescindChannelOffer;
import dev.airlock.vmbus.message.TlConnectRequest;
import dev.airlock.vmbus.message.TlConnectResult;
import dev.airlock.vmbus.message.VersionResponse;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * VMBus control messages of protocol versions up to 6.0, whose newer messages are longer than the
 * structures Linux has for them. Holds the GPADLs not yet complete. For one thread.
 */
final class ControlDecoder {
    /** {@code msgtype} of a message. */
    private static final int TYPE_OFFSET = 0;

    private static final int PADDING_OFFSET = TYPE_OFFSET + Integer.BYTES;

    /**
     * VERSION_RESPONSE before 5.0: no connection state and id behind {@code version_supported}
     * ({@code struct vmbus_channel_version_supported}).
     */
    private static final int SHORT_VERSION_RESPONSE_BYTES =
            ControlMessage.HEADER_BYTES + Byte.BYTES;

    /** First version whose INITIATE_CONTACT has SINT and VTL where others have a page. */
    private static final int FIRST_VERSION_WITH_SINT = 5 << Short.SIZE;

    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final PendingGpadls gpadls = new PendingGpadls();

    DecodedEvent decode(TraceEvent.Control event) throws TraceException {
        int line = event.line();
        MemorySegment bytes = event.message();
        long size = bytes.byteSize();
        if (size < ControlMessage.HEADER_BYTES) {
            throw new TraceException(
                    line,
                    "control message shorter than its header: bytes=%d needed=%d"
                            .formatted(size, ControlMessage.HEADER_BYTES));
        }
        MessageType type = MessageType.of(bytes.get(U32, TYPE_OFFSET));
        if (type == null) {
            throw new TraceException(
                    line,
                    "unknown control message type "
                            + Integer.toUnsignedString(bytes.get(U32, TYPE_OFFSET)));
        }
        if (size > ControlMessage.MAX_BYTES) {
            throw new TraceException(
                    line,
                    "%s longer than a SynIC message: bytes=%d limit=%d"
                            .formatted(type, size, ControlMessage.MAX_BYTES));
        }
        if (type == MessageType.VERSION_RESPONSE && size >= SHORT_VERSION_RESPONSE_BYTES) {
            bytes = padded(bytes, type.minBytes());
        }
        ControlMessage message = ControlMessage.decode(bytes, 0, (int) bytes.byteSize());
        if (message == null) {
            throw new TraceException(
                    line, "%s cut off: bytes=%d needed=%d".formatted(type, size, type.minBytes()));
        }
        DecodedEvent.Builder out = new DecodedEvent.Builder();
        int decoded = fields(line, message, bytes, out);
        if (size > decoded) {
            out.add("trailingBytes", size - decoded);
        }
        int padding = bytes.get(U32, PADDING_OFFSET);
        if (padding != 0) {
            out.hex("padding", id(padding));
        }
        if (type.isFromGuest() != (event.direction() == Direction.GUEST_TO_HOST)) {
            out.add("wrongDirection", true);
        }
        out.notes(event.notes());
        return out.build(line, event.direction(), "control", type.name());
    }

    private static MemorySegment padded(MemorySegment bytes, int to) {
        if (bytes.byteSize() >= to) {
            return bytes;
        }
        MemorySegment whole = MemorySegment.ofArray(new byte[to]);
        return whole.copyFrom(bytes);
    }

    /**
     * Adds a message's fields.
     *
     * @return bytes of the message that have a meaning here
     */
    private int fields(
            int line, ControlMessage message, MemorySegment bytes, DecodedEvent.Builder out)
            throws TraceException {
        switch (message) {
            case OfferChannel m -> offer(m.offer(), out);
            case RescindChannelOffer m -> out.unsigned("relid", m.relid());
            case OpenChannel m -> {
                return open(m, bytes, out);
            }
            case OpenChannelResult m ->
                    out.unsigned("relid", m.relid())
                            .unsigned("openId", m.openId())
                            .add("status", NtStatus.name(m.status()));
            case CloseChannel m -> out.unsigned("relid", m.relid());
            case GpadlHeader m -> gpadls.header(line, m, bytes, out);
            case GpadlBody m -> gpadls.body(line, m, bytes, out);
            case GpadlCreated m -> {
                out.unsigned("relid", m.relid()).hex("gpadl", id(m.gpadl()));
                out.add("status", NtStatus.name(m.status()));
                gpadls.created(line, m);
            }
            case GpadlTeardown m -> out.unsigned("relid", m.relid()).hex("gpadl", id(m.gpadl()));
            case GpadlTorndown m -> out.hex("gpadl", id(m.gpadl()));
            case RelidReleased m -> out.unsigned("relid", m.relid());
            case InitiateContact m -> {
                return contact(m, bytes, out);
            }
            case VersionResponse m -> {
                return version(m, bytes, out);
            }
            case TlConnectRequest m -> {
                out.add("endpoint", m.endpoint().toString()).add("service", m.service().toString());
                return guidBehind(m, "silo", bytes, out);
            }
            case TlConnectResult m ->
                    out.add("endpoint", m.endpoint().toString())
                            .add("service", m.service().toString())
                            .add("status", NtStatus.name(m.status()));
            case ModifyChannel m ->
                    out.unsigned("relid", m.relid()).unsigned("targetCpu", m.targetCpu());
            case ModifyChannelResponse m ->
                    out.unsigned("relid", m.relid()).add("status", NtStatus.name(m.status()));
            default -> {}
        }
        return message.encodedBytes();
    }

    private static void offer(Offer offer, DecodedEvent.Builder out) {
        out.unsigned("relid", offer.relid())
                .hex("connection", id(offer.connectionId()))
                .add("device", DeviceNames.of(offer.interfaceType()))
                .add("interface", offer.interfaceType().toString())
                .add("instance", offer.interfaceInstance().toString())
                .add("subchannel", offer.subchannelIndex())
                .hex("flags", offer.flags())
                .addIf(offer.mmioMegabytes() != 0, "mmioMegabytes", offer.mmioMegabytes());
        boolean monitored = (offer.monitorFlags() & 1) != 0;
        out.addIf(monitored, "monitorId", offer.monitorId());
        boolean dedicated = (offer.interruptFlags() & Offer.DEDICATED_INTERRUPT) != 0;
        out.add("dedicatedInterrupt", dedicated);
        userData(offer.userDefined().toString(), out);
    }

    private static void userData(String hex, DecodedEvent.Builder out) {
        out.addIf(!hex.equals("-"), "userData", hex);
    }

    /** Also the longer form of 6.0 (OpenVMM {@code OpenChannel2}). */
    private static int open(OpenChannel m, MemorySegment bytes, DecodedEvent.Builder out) {
        out.unsigned("relid", m.relid()).unsigned("openId", m.openId());
        out.hex("gpadl", id(m.gpadl()));
        if (m.targetCpu() == OpenChannel.NO_INTERRUPT) {
            out.add("targetCpu", "none");
        } else {
            out.unsigned("targetCpu", m.targetCpu());
        }
        out.unsigned("downstreamPageOffset", m.downstreamPageOffset());
        userData(m.userData().toString(), out);
        int end = m.encodedBytes();
        if (bytes.byteSize() < end + Long.BYTES) {
            return end;
        }
        out.hex("connection", id(bytes.get(U32, end)));
        out.add("eventFlag", u16(bytes, end + Integer.BYTES));
        out.hex("openFlags", u16(bytes, end + Integer.BYTES + Short.BYTES));
        return end + Long.BYTES;
    }

    private static int u16(MemorySegment bytes, long at) {
        return Short.toUnsignedInt(bytes.get(U16, at));
    }

    /** Also the longer form of 6.0 (OpenVMM {@code InitiateContact2}). */
    private static int contact(InitiateContact m, MemorySegment bytes, DecodedEvent.Builder out) {
        out.add("version", VmbusVersion.describe(m.version()));
        out.unsigned("targetCpu", m.targetCpu());
        if (Integer.compareUnsigned(m.version(), FIRST_VERSION_WITH_SINT) < 0) {
            out.hex("interruptPage", m.targetInfo());
        } else {
            out.add("sint", (int) m.targetInfo() & 0xFF);
            out.add("vtl", (int) m.targetInfo() >>> Byte.SIZE & 0xFF);
            long features = m.targetInfo() >>> Integer.SIZE;
            out.addIf(features != 0, "features", DecodedEvent.Builder.hex(features));
        }
        out.hex("monitorPage1", m.monitorPage1()).hex("monitorPage2", m.monitorPage2());
        return guidBehind(m, "client", bytes, out);
    }

    /** A GUID that newer peers put behind a message. */
    private static int guidBehind(
            ControlMessage message, String name, MemorySegment bytes, DecodedEvent.Builder out) {
        int end = message.encodedBytes();
        if (bytes.byteSize() < end + Guid.BYTES) {
            return end;
        }
        out.add(name, Guid.decode(bytes, end).toString());
        return end + Guid.BYTES;
    }

    /** Also the longer form of 6.0 (OpenVMM {@code VersionResponse2}). */
    private static int version(VersionResponse m, MemorySegment bytes, DecodedEvent.Builder out) {
        out.add("supported", m.supported() != 0);
        out.add(
                "state",
                switch (m.connectionState()) {
                    case VersionResponse.SUCCESSFUL -> "SUCCESSFUL";
                    case 1 -> "FAILED_LOW_RESOURCES";
                    case 2 -> "FAILED_UNKNOWN_FAILURE";
                    default -> Integer.toString(m.connectionState());
                });
        out.unsigned("messageConnection", m.messageConnectionId());
        int end = m.encodedBytes();
        if (bytes.byteSize() < end + Integer.BYTES) {
            return end;
        }
        out.hex("features", id(bytes.get(U32, end)));
        return end + Integer.BYTES;
    }

    private static long id(int u32) {
        return Integer.toUnsignedLong(u32);
    }
}
