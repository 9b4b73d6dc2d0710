package dev.airlock.lab.trace;

import dev.airlock.vmbus.GpaDirectPacket;
import dev.airlock.vmbus.PacketDescriptor;
import dev.airlock.vmbus.service.ServiceMessage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Ring packets of every type that Linux names. Source: Linux {@code include/linux/hyperv.h}, {@code
 * enum vmbus_packet_type} and the structures behind it. Holds the requests not yet answered. For
 * one thread.
 */
final class PacketDecoder {
    private static final int TYPE_SYNCH = 0x1;
    private static final int TYPE_ADD_TRANSFER_PAGES = 0x2;
    private static final int TYPE_REMOVE_TRANSFER_PAGES = 0x3;
    private static final int TYPE_ESTABLISH_GPADL = 0x4;
    private static final int TYPE_TEARDOWN_GPADL = 0x5;
    private static final int TYPE_DATA_USING_ADDITIONAL_PACKET = 0xC;
    private static final int TYPE_ADDITIONAL_DATA = 0xD;

    /** What follows the descriptor begins with two u32 in most types. */
    private static final int FIRST_OFFSET = PacketDescriptor.BYTES;

    private static final int SECOND_OFFSET = FIRST_OFFSET + Integer.BYTES;

    /** Descriptor and two u32. */
    private static final int HEADER_BYTES = SECOND_OFFSET + Integer.BYTES;

    /** {@code struct vmadditional_data}: u64 total, u32 offset, u32 count, data. */
    private static final int ADDITIONAL_HEADER_BYTES = HEADER_BYTES + Long.BYTES;

    /** {@code struct vmtransfer_page_range}: count and offset, u32 each. */
    private static final int TRANSFER_RANGE_BYTES = 2 * Integer.BYTES;

    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int SHOWN_PAYLOAD_BYTES = 32;

    /** Field of a service's message: which one. */
    static final String SERVICE = "service";

    /** Field of a service's message: {@code request} or {@code answer}. */
    static final String SERVICE_ROLE = "role";

    private final Requests requests = new Requests();

    DecodedEvent decode(TraceEvent.Packet event) throws TraceException {
        MemorySegment packet = event.packet();
        int line = event.line();
        checkDescriptor(line, packet);
        long header = PacketDescriptor.header(packet, 0);
        int type = PacketDescriptor.type(header);
        int dataOffset = PacketDescriptor.dataOffset(header);
        if (type == 0 || type > TYPE_ADDITIONAL_DATA) {
            throw new TraceException(line, "unknown packet type " + type);
        }
        if (dataOffset < headerBytes(type)) {
            throw new TraceException(
                    line,
                    "%s packet's header cut off: bytes=%d needed=%d"
                            .formatted(name(type), dataOffset, headerBytes(type)));
        }
        DecodedEvent.Builder out = new DecodedEvent.Builder();
        out.hex("id", PacketDescriptor.transactionId(packet, 0));
        GpaRanges ranges = header(line, packet, type, dataOffset, out);
        boolean isService = ServiceMessage.isMessage(packet, packet.byteSize());
        if (isService) {
            service(packet, out);
        } else {
            payload(event, packet.asSlice(dataOffset), type, out);
        }
        if (ranges != null) {
            ranges.describe(out);
        }
        if (event.visible() != null) {
            out.add("visible", event.visible().toString());
        }
        flags(isService ? 0 : usualFlags(type), PacketDescriptor.flags(header), out);
        out.notes(event.notes());
        return out.build(line, event.direction(), "packet", name(type));
    }

    private static void checkDescriptor(int line, MemorySegment packet) throws TraceException {
        long bytes = packet.byteSize();
        if (bytes < PacketDescriptor.BYTES) {
            throw new TraceException(
                    line,
                    "packet shorter than its descriptor: bytes=%d needed=%d"
                            .formatted(bytes, PacketDescriptor.BYTES));
        }
        int claimed = PacketDescriptor.packetBytes(packet, 0);
        if (claimed != bytes) {
            throw new TraceException(
                    line,
                    "packet %s: bytes=%d, its descriptor says %d"
                            .formatted(
                                    claimed > bytes ? "cut off" : "longer than it says",
                                    bytes,
                                    claimed));
        }
        int dataOffset = PacketDescriptor.dataOffset(packet, 0);
        if (dataOffset < PacketDescriptor.BYTES || dataOffset > bytes) {
            throw new TraceException(
                    line,
                    "data begins outside the packet: dataOffset=%d bytes=%d"
                            .formatted(dataOffset, bytes));
        }
    }

    private static int headerBytes(int type) {
        return switch (type) {
            case TYPE_ADD_TRANSFER_PAGES,
                    TYPE_REMOVE_TRANSFER_PAGES,
                    TYPE_ESTABLISH_GPADL,
                    TYPE_TEARDOWN_GPADL,
                    PacketDescriptor.TYPE_DATA_USING_TRANSFER_PAGES,
                    PacketDescriptor.TYPE_DATA_USING_GPADL,
                    PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT ->
                    HEADER_BYTES;
            case TYPE_ADDITIONAL_DATA -> ADDITIONAL_HEADER_BYTES;
            default -> PacketDescriptor.BYTES;
        };
    }

    /** What lies between the descriptor and the data. */
    private static @Nullable GpaRanges header(
            int line, MemorySegment packet, int type, int dataOffset, DecodedEvent.Builder out)
            throws TraceException {
        switch (type) {
            case PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT -> {
                long count = GpaDirectPacket.rangeCount(packet, 0);
                return GpaRanges.decode(line, packet, HEADER_BYTES, dataOffset, count);
            }
            case TYPE_ESTABLISH_GPADL -> {
                gpadl(packet, out);
                long count = Integer.toUnsignedLong(packet.get(U32, SECOND_OFFSET));
                return GpaRanges.decode(line, packet, HEADER_BYTES, dataOffset, count);
            }
            case TYPE_TEARDOWN_GPADL, PacketDescriptor.TYPE_DATA_USING_GPADL -> gpadl(packet, out);
            case TYPE_ADD_TRANSFER_PAGES, TYPE_REMOVE_TRANSFER_PAGES -> {
                gpadl(packet, out);
                out.add("pageSet", packet.get(U32, SECOND_OFFSET) & 0xFFFF);
            }
            case PacketDescriptor.TYPE_DATA_USING_TRANSFER_PAGES ->
                    transferPages(line, packet, dataOffset, out);
            case TYPE_ADDITIONAL_DATA ->
                    out.add("totalBytes", Long.toUnsignedString(packet.get(U64, FIRST_OFFSET)))
                            .unsigned("offset", packet.get(U32, HEADER_BYTES))
                            .unsigned("bytes", packet.get(U32, HEADER_BYTES + Integer.BYTES));
            default -> {}
        }
        return null;
    }

    private static void gpadl(MemorySegment packet, DecodedEvent.Builder out) {
        out.hex("gpadl", Integer.toUnsignedLong(packet.get(U32, FIRST_OFFSET)));
    }

    /** {@code struct vmtransfer_page_packet_header}. */
    private static void transferPages(
            int line, MemorySegment packet, int dataOffset, DecodedEvent.Builder out)
            throws TraceException {
        int set = packet.get(U32, FIRST_OFFSET);
        long count = Integer.toUnsignedLong(packet.get(U32, SECOND_OFFSET));
        long room = (dataOffset - HEADER_BYTES) / TRANSFER_RANGE_BYTES;
        if (count > room) {
            throw new TraceException(
                    line,
                    "transfer page ranges cut off: ranges=%d, room for %d".formatted(count, room));
        }
        long bytes = 0;
        for (long i = 0; i < count; i++) {
            bytes +=
                    Integer.toUnsignedLong(
                            packet.get(U32, HEADER_BYTES + i * TRANSFER_RANGE_BYTES));
        }
        out.add("pageSet", set & 0xFFFF)
                .add("senderOwnsSet", (set >>> Short.SIZE & 0xFF) != 0)
                .add("rangeCount", count)
                .add("length", bytes);
    }

    private void payload(
            TraceEvent.Packet event, MemorySegment payload, int type, DecodedEvent.Builder out)
            throws TraceException {
        boolean storage =
                switch (type) {
                    case PacketDescriptor.TYPE_DATA_INBAND,
                            PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT ->
                            true;
                    // A host may answer with the id alone.
                    case PacketDescriptor.TYPE_COMPLETION -> payload.byteSize() > 0;
                    default -> VstorDecoder.isVstor(payload);
                };
        long id = PacketDescriptor.transactionId(event.packet(), 0);
        boolean fromGuest = event.direction() == Direction.GUEST_TO_HOST;
        boolean completion = type == PacketDescriptor.TYPE_COMPLETION;
        Requests.Request completed = completion && !fromGuest ? requests.completed(id) : null;
        if (!storage) {
            bytes(payload, out);
            return;
        }
        // Id 0 answers nothing, whatever the packet's type says.
        boolean unsolicited = !fromGuest && id == 0;
        Requests.Request request =
                VstorDecoder.decode(event.line(), payload, unsolicited, completed, out);
        if (fromGuest && request != null && wantsCompletion(event.packet())) {
            requests.sent(id, request);
        }
    }

    /** A message of an integration service, whose answers are in-band packets, too. */
    private static void service(MemorySegment packet, DecodedEvent.Builder out) {
        boolean answer = ServiceMessage.isResponse(packet);
        int status = ServiceMessage.status(packet);
        out.plain(SERVICE, ServiceMessage.typeName(ServiceMessage.type(packet)))
                .plain(SERVICE_ROLE, answer ? "answer" : "request")
                .add("version", ServiceMessage.version(packet))
                .addIf(
                        status != 0,
                        "status",
                        DecodedEvent.Builder.hex(Integer.toUnsignedLong(status)));
        bytes(packet.asSlice(ServiceMessage.DATA_OFFSET, ServiceMessage.dataBytes(packet)), out);
    }

    private static boolean wantsCompletion(MemorySegment packet) {
        return (PacketDescriptor.flags(packet, 0) & PacketDescriptor.FLAG_COMPLETION_REQUESTED)
                != 0;
    }

    /** Data that is no vstor packet. */
    private static void bytes(MemorySegment payload, DecodedEvent.Builder out) {
        out.add("payloadBytes", payload.byteSize());
        if (payload.byteSize() > 0) {
            long shown = Math.min(payload.byteSize(), SHOWN_PAYLOAD_BYTES);
            String hex =
                    HexFormat.of()
                            .formatHex(payload.asSlice(0, shown).toArray(ValueLayout.JAVA_BYTE));
            out.add("payload", shown < payload.byteSize() ? hex + "..." : hex);
        }
    }

    /** What every packet of the type has. */
    private static int usualFlags(int type) {
        return switch (type) {
            case PacketDescriptor.TYPE_DATA_INBAND, PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT ->
                    PacketDescriptor.FLAG_COMPLETION_REQUESTED;
            default -> 0;
        };
    }

    /** Shown when they are others. */
    private static void flags(int usual, int flags, DecodedEvent.Builder out) {
        out.addIf(flags != usual, "flags", flags);
    }

    /** Names of all packet types. */
    static List<String> typeNames() {
        return IntStream.rangeClosed(TYPE_SYNCH, TYPE_ADDITIONAL_DATA)
                .mapToObj(PacketDecoder::name)
                .toList();
    }

    private static String name(int type) {
        return switch (type) {
            case TYPE_SYNCH -> "SYNCH";
            case TYPE_ADD_TRANSFER_PAGES -> "ADD_XFER_PAGESET";
            case TYPE_REMOVE_TRANSFER_PAGES -> "RM_XFER_PAGESET";
            case TYPE_ESTABLISH_GPADL -> "ESTABLISH_GPADL";
            case TYPE_TEARDOWN_GPADL -> "TEARDOWN_GPADL";
            case TYPE_DATA_USING_ADDITIONAL_PACKET -> "DATA_USING_ADDITIONAL_PKT";
            case TYPE_ADDITIONAL_DATA -> "ADDITIONAL_DATA";
            default -> PacketDescriptor.typeName(type);
        };
    }
}
