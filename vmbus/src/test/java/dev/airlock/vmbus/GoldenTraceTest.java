package dev.airlock.vmbus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.Gpadl;
import dev.airlock.vmbus.message.GpadlAssembly;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.OfferChannel;
import dev.airlock.vmbus.message.OpenChannel;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The real driver's bytes, recorded; see FIELD-NOTES.md. */
class GoldenTraceTest {
    @ParameterizedTest
    @ValueSource(strings = {"normal", "isolated", "isolated-vtom"})
    void shouldDecodeAndEncodeEveryControlMessageToTheSameBytes(String name) throws IOException {
        List<byte[]> messages = lines(name, "ctl-guest>host");
        messages.addAll(lines(name, "ctl-host>guest"));
        assertThat(messages).hasSize(8);
        for (byte[] bytes : messages) {
            ControlMessage message = decode(bytes);
            assertThat(message.toBytes()).as(message.describe()).isEqualTo(bytes);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"normal", "isolated", "isolated-vtom"})
    void shouldWriteEveryRingPacketHeadAsTheDriverAndTheHostDid(String name) throws IOException {
        List<byte[]> packets = lines(name, "guest>host");
        packets.addAll(lines(name, "host>guest"));
        assertThat(packets).hasSizeGreaterThan(250);
        int direct = 0;
        for (byte[] bytes : packets) {
            MemorySegment packet = MemorySegment.ofArray(bytes);
            assertThat(PacketDescriptor.packetBytes(packet, 0)).isEqualTo(bytes.length);
            byte[] again = bytes.clone();
            MemorySegment copy = MemorySegment.ofArray(again);
            int head = PacketDescriptor.dataOffset(packet, 0);
            copy.asSlice(0, head).fill((byte) 0xEE);
            if (PacketDescriptor.type(packet, 0) == PacketDescriptor.TYPE_DATA_USING_GPA_DIRECT) {
                direct++;
                encodeGpaDirect(packet, copy, bytes.length);
            } else {
                PacketDescriptor.encode(
                        copy,
                        0,
                        PacketDescriptor.type(packet, 0),
                        head,
                        bytes.length,
                        PacketDescriptor.flags(packet, 0),
                        PacketDescriptor.transactionId(packet, 0));
            }
            assertThat(again).isEqualTo(bytes);
        }
        assertThat(direct).isGreaterThan(100);
    }

    @ParameterizedTest
    @ValueSource(strings = {"normal", "isolated", "isolated-vtom"})
    void shouldAssembleTheRingsGpadlAndSendItAsTheDriverDid(String name) throws IOException {
        List<ControlMessage> recorded = new ArrayList<>();
        GpadlAssembly assembly = null;
        for (byte[] bytes : lines(name, "ctl-guest>host")) {
            ControlMessage message = decode(bytes);
            if (message instanceof GpadlHeader header) {
                assembly = new GpadlAssembly(header);
                recorded.add(header);
            } else if (message instanceof GpadlBody body && assembly != null) {
                assertThat(assembly.isComplete()).isFalse();
                assembly.add(body);
                recorded.add(body);
            }
        }
        assertThat(requireNonNull(assembly).isComplete()).isTrue();
        Gpadl gpadl = requireNonNull(assembly.finish());
        assertThat(gpadl.pageCount()).isEqualTo(64);
        assertThat(gpadl.handle()).isEqualTo(0xe1e10);
        long[] pfns = requireNonNull(gpadl.wholePages());
        assertThat(Gpadl.messages(1, gpadl.handle(), pfns)).isEqualTo(recorded);
    }

    @Test
    void shouldReadTheOfferAndTheOpenRequest() throws IOException {
        OfferChannel offer = (OfferChannel) decode(lines("normal", "ctl-host>guest").getFirst());
        assertThat(offer.offer().interfaceType()).isEqualTo(Offer.SCSI_INTERFACE);
        assertThat(offer.offer().interfaceInstance())
                .hasToString("ba616301-04a1-4d29-b605-72e2ffb1dc7f");
        assertThat(offer.offer().relid()).isEqualTo(1);
        assertThat(offer.offer().connectionId()).isEqualTo(0x2001);
        assertThat(offer.offer().interruptFlags()).isEqualTo(Offer.DEDICATED_INTERRUPT);
        byte[] open = lines("normal", "ctl-guest>host").getLast();
        assertThat(decode(open)).isEqualTo(new OpenChannel(1, 1, 0xe1e10, 0, 32, UserData.NONE));
    }

    private static void encodeGpaDirect(MemorySegment packet, MemorySegment copy, int bytes) {
        int pages = GpaDirectPacket.validatedPageCount(packet, 0, bytes);
        assertThat(pages).isPositive();
        int head = PacketDescriptor.dataOffset(packet, 0);
        int payloadAt =
                GpaDirectPacket.encode(
                        copy,
                        0,
                        (int) GpaDirectPacket.byteCount(packet, 0),
                        (int) GpaDirectPacket.byteOffset(packet, 0),
                        pages,
                        bytes - head,
                        PacketDescriptor.flags(packet, 0),
                        PacketDescriptor.transactionId(packet, 0));
        assertThat(payloadAt).isEqualTo(head);
        for (int i = 0; i < pages; i++) {
            GpaDirectPacket.putPfn(copy, 0, i, GpaDirectPacket.pfn(packet, 0, i));
        }
    }

    private static ControlMessage decode(byte[] bytes) {
        ControlMessage message =
                ControlMessage.decode(MemorySegment.ofArray(bytes), 0, bytes.length);
        assertThat(message).as(HexFormat.of().formatHex(bytes)).isNotNull();
        return requireNonNull(message);
    }

    private static List<byte[]> lines(String name, String kind) throws IOException {
        Path traces = traces();
        assumeTrue(traces != null, "no ../shared/traces beside the project");
        List<byte[]> found = new ArrayList<>();
        for (String line :
                Files.readAllLines(traces.resolve("linux-6.1-storvsc-" + name + ".txt"))) {
            String[] words = line.split(" ");
            if (words[0].equals(kind)) {
                found.add(HexFormat.of().parseHex(words[words.length - 1]));
            }
        }
        return found;
    }

    private static @Nullable Path traces() {
        for (Path at = Path.of(System.getProperty("user.dir")); at != null; at = at.getParent()) {
            Path traces = at.resolve("shared/traces");
            if (Files.isDirectory(traces)) {
                return traces;
            }
        }
        return null;
    }
}
