package dev.airlock.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ring packets of every type, written here from Linux {@code include/linux/hyperv.h}. */
class PacketsTest {
    private static final byte[] ENUMERATE_BUS = new Bytes().u32(11, 0).toArray();

    @Test
    void shouldDecodeSeveralGpaRangesOfDifferentSizes() {
        Bytes ranges =
                new Bytes()
                        .u32(0, 3)
                        .u32(4096, 512)
                        .u64(0x10, 0x20)
                        .u32(100, 0)
                        .u64(0x30)
                        .u32(0, 0);
        assertThat(fromGuest("visible=3/3 ", 9, ranges, Srbs.read10(64, 8, 4196)))
                .isEqualTo(
                        "guest>host packet DATA_USING_GPA_DIRECT id=0x5 EXECUTE_SRB path=0 target=0 lun=0"
                                + " READ(10) lba=64 blocks=8 in transfer=4196"
                                + " srbFlags=QUEUE_ACTION_ENABLE|DATA_IN rangeCount=3 length=4196 pages=3"
                                + " [length=4096 offset=512 pages=2 firstPfn=0x10]"
                                + "[length=100 offset=0 pages=1 firstPfn=0x30][length=0 offset=0 pages=0]"
                                + " visible=3/3");
    }

    @Test
    void shouldDecodeAListOfMorePfnsThanNeeded() {
        Bytes ranges = new Bytes().u32(0, 1).u32(512, 3584).u64(0xABC, 0, 0xDEAD, -1);
        assertThat(fromGuest("", 9, ranges, Srbs.read10(0, 1, 512)))
                .endsWith(" length=512 offset=3584 pages=1 firstPfn=0xabc unusedPfns=3");
    }

    @Test
    void shouldHandEveryPfnToPrograms() throws TraceException {
        Bytes ranges = new Bytes().u32(0, 1).u32(8192, 1).u64(1, 2, -1);
        String line = "guest>host " + packet(9, ranges, Srbs.read10(0, 16, 8192)).toHex();
        DecodedEvent event =
                new TraceDecoder().decode(Objects.requireNonNull(LineParser.parse(1, line)));
        assertThat(event.value("ranges"))
                .isEqualTo(
                        List.of(
                                Map.of(
                                        "length",
                                        8192L,
                                        "offset",
                                        1L,
                                        "pfns",
                                        List.of("0x1", "0x2", "0xffffffffffffffff"))));
        assertThat(event.value("firstPfn")).isEqualTo("0x1");
        assertThat(event.value("nothing")).isNull();
    }

    @Test
    void shouldDecodePacketsWithoutStorageData() {
        assertThat(fromGuest("", 1, new Bytes(), new byte[0]))
                .isEqualTo("guest>host packet SYNCH id=0x5 payloadBytes=0 flags=1");
        assertThat(fromGuest("", 2, new Bytes().u32(7).u16(9, 0), new byte[0]))
                .isEqualTo(
                        "guest>host packet ADD_XFER_PAGESET id=0x5 gpadl=0x7 pageSet=9 payloadBytes=0 flags=1");
        assertThat(fromGuest("", 3, new Bytes().u32(7).u16(9, 0), new byte[0]))
                .startsWith("guest>host packet RM_XFER_PAGESET id=0x5 gpadl=0x7 pageSet=9");
        assertThat(fromGuest("", 4, new Bytes().u32(7, 1, 4096, 1).u64(0x10, 0x11), new byte[0]))
                .startsWith(
                        "guest>host packet ESTABLISH_GPADL id=0x5 gpadl=0x7 payloadBytes=0 length=4096 offset=1 pages=2");
        assertThat(fromGuest("", 5, new Bytes().u32(7, 0), new byte[0]))
                .startsWith("guest>host packet TEARDOWN_GPADL id=0x5 gpadl=0x7");
        assertThat(fromGuest("", 8, new Bytes().u32(7, 0), new byte[] {1, 2, 3, 4, 5, 6, 7, 8}))
                .startsWith(
                        "guest>host packet DATA_USING_GPADL id=0x5 gpadl=0x7 payloadBytes=8 payload=0102030405060708");
        assertThat(fromGuest("", 0xA, new Bytes(), new byte[0]))
                .startsWith("guest>host packet CANCEL_REQUEST id=0x5 payloadBytes=0");
        assertThat(fromGuest("", 0xC, new Bytes(), new byte[40]))
                .startsWith(
                        "guest>host packet DATA_USING_ADDITIONAL_PKT id=0x5 payloadBytes=40 payload="
                                + "00".repeat(32)
                                + "...");
        assertThat(fromGuest("", 0xD, new Bytes().u64(1 << 20).u32(4096, 8), new byte[8]))
                .startsWith(
                        "guest>host packet ADDITIONAL_DATA id=0x5 totalBytes=1048576 offset=4096 bytes=8 payloadBytes=8");
    }

    @Test
    void shouldDecodeTransferPagesWithStorageDataInside() {
        Bytes ranges = new Bytes().u16(9).u8(1, 0).u32(2).u32(100, 0, 28, 100);
        assertThat(fromGuest("", 7, ranges, Srbs.read10(0, 1, 128)))
                .startsWith(
                        "guest>host packet DATA_USING_XFER_PAGES id=0x5 pageSet=9 senderOwnsSet=true"
                                + " rangeCount=2 length=128 EXECUTE_SRB path=0 target=0 lun=0 READ(10)");
    }

    @Test
    void shouldDecodeAHostsUnsolicitedPacketsHoweverShort() {
        assertThat(
                        Lines.decodeOne(
                                "host>guest "
                                        + descriptor(6, 0, 0, 8, 0).put(ENUMERATE_BUS).toHex()))
                .isEqualTo(
                        "host>guest packet DATA_INBAND id=0x0 ENUMERATE_BUS vstorBytes=8 flags=0");
        assertThat(
                        Lines.decodeOne(
                                "host>guest "
                                        + descriptor(0xB, 0, 0, 8, 0).put(ENUMERATE_BUS).toHex()))
                .isEqualTo("host>guest packet COMPLETION id=0x0 ENUMERATE_BUS vstorBytes=8");
        byte[] whole = Arrays.copyOf(new Bytes().u32(2).toArray(), 64);
        assertThat(Lines.decodeOne("host>guest " + descriptor(6, 0, 0, 64, 0).put(whole).toHex()))
                .isEqualTo("host>guest packet DATA_INBAND id=0x0 REMOVE_DEVICE flags=0");
    }

    @Test
    void shouldDecodeACompletionThatIsAnIdAlone() {
        assertThat(Lines.decodeOne("host>guest " + descriptor(0xB, 0, 0, 0, 7).toHex()))
                .isEqualTo("host>guest packet COMPLETION id=0x7 payloadBytes=0");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 14, 15, 0xFFFF})
    void shouldRefuseAnUnknownPacketType(int type) {
        String line = "guest>host " + descriptor(type, 0, 0, 64, 1).zeros(64).toHex();
        assertThat(Lines.decodeOne(line)).isEqualTo("!line 1: unknown packet type " + type);
    }

    @Test
    void shouldRefuseAPacketCutOffAnywhere() {
        byte[] packet =
                packet(9, new Bytes().u32(0, 1, 4096, 0).u64(7), Srbs.read10(0, 8, 4096)).toArray();
        for (int bytes = 1; bytes < packet.length; bytes++) {
            String line =
                    "guest>host visible=1/1 "
                            + new Bytes().put(Arrays.copyOf(packet, bytes)).toHex();
            assertThat(Lines.decodeOne(line))
                    .isEqualTo(
                            bytes < 16
                                    ? "!line 1: packet shorter than its descriptor: bytes=%d needed=16"
                                            .formatted(bytes)
                                    : "!line 1: packet cut off: bytes=%d, its descriptor says 104"
                                            .formatted(bytes));
        }
        assertThat(Lines.decodeOne("guest>host " + new Bytes().put(packet).u64(0).toHex()))
                .isEqualTo(
                        "!line 1: packet longer than it says: bytes=112, its descriptor says 104");
    }

    @Test
    void shouldDecodeTheMessagesOfServices() {
        // Pipe header, then icmsg_hdr: frame 3.0, type, message 3.0, size, status, id, flags.
        Bytes request = new Bytes().u32(0, 36).u16(3, 0, 0, 3, 0, 16).u32(0).hex("00030000");
        request.u16(1, 1).u32(0).u16(3, 0, 3, 0);
        assertThat(Lines.decodeOne("host>guest " + service(request)))
                .isEqualTo(
                        "host>guest packet DATA_INBAND id=0x5 NEGOTIATE request version=3.0"
                                + " payloadBytes=16 payload=01000100000000000300000003000000");
        Bytes answer =
                new Bytes().u32(0, 20).u16(3, 0, 3, 3, 0, 0).u32(0x80004005L).hex("00050000");
        assertThat(Lines.decodeOne("guest>host " + service(answer)))
                .isEqualTo(
                        "guest>host packet DATA_INBAND id=0x5 SHUTDOWN answer version=3.0"
                                + " status=0x80004005 payloadBytes=0");
    }

    @Test
    void shouldTakeNoServiceMessageWhoseSizesDisagree() {
        Bytes message = new Bytes().u32(0, 24).u16(3, 0, 3, 3, 0, 0).u32(0).hex("00030000");
        assertThat(Lines.decodeOne("host>guest " + service(message)))
                .isEqualTo("!line 1: vstor packet cut off: bytes=32 needed=48");
    }

    private static String service(Bytes message) {
        byte[] payload = message.toArray();
        int padding = -payload.length & 7;
        return descriptor(6, 0, 0, payload.length + padding, 5).put(payload).zeros(padding).toHex();
    }

    @Test
    void shouldRefuseDataOutsideThePacketAndHeadersThatOverlapIt() {
        assertThat(refusal(new Bytes().u16(6, 1, 2, 1).u64(1)))
                .isEqualTo("data begins outside the packet: dataOffset=8 bytes=16");
        assertThat(refusal(new Bytes().u16(6, 3, 2, 1).u64(1)))
                .isEqualTo("data begins outside the packet: dataOffset=24 bytes=16");
        assertThat(refusal(new Bytes().u16(9, 2, 10, 1).u64(1).zeros(64)))
                .isEqualTo("DATA_USING_GPA_DIRECT packet's header cut off: bytes=16 needed=24");
        assertThat(refusal(new Bytes().u16(0xD, 3, 3, 1).u64(1).u64(0)))
                .isEqualTo("ADDITIONAL_DATA packet's header cut off: bytes=24 needed=32");
        assertThat(refusal(packet(7, new Bytes().u16(1, 0).u32(2).u32(1, 1), new byte[8])))
                .isEqualTo("transfer page ranges cut off: ranges=2, room for 1");
    }

    @Test
    void shouldRefuseRangesThatDoNotFit() {
        byte[] srb = Srbs.read10(0, 8, 4096);
        assertThat(refusal(packet(9, new Bytes().u32(0, 1), srb)))
                .isEqualTo("GPA range 1 of 1 lies outside the packet's header");
        assertThat(refusal(packet(9, new Bytes().u32(0, 0xFFFFFFFFL, 0, 0), srb)))
                .isEqualTo("GPA range 2 of 4294967295 lies outside the packet's header");
        assertThat(refusal(packet(9, new Bytes().u32(0, 1, 4096, 1).u64(1), srb)))
                .isEqualTo("GPA range needs 2 PFNs, the packet's header has room for 1");
        assertThat(refusal(packet(9, new Bytes().u32(0, 1, 0xFFFFFFFFL, 4095).u64(1), srb)))
                .isEqualTo("GPA range needs 1048577 PFNs, the packet's header has room for 1");
        assertThat(refusal(packet(9, new Bytes().u32(0, 1, 1, 4096).u64(1, 2), srb)))
                .isEqualTo("GPA range begins outside its first page: offset=4096");
    }

    private static String refusal(Bytes packet) {
        String text = Lines.decodeOne("guest>host " + packet.toHex());
        assertThat(text).startsWith("!line 1: ");
        return text.substring("!line 1: ".length());
    }

    private static String fromGuest(String words, int type, Bytes header, byte[] payload) {
        return Lines.decodeOne("guest>host " + words + packet(type, header, payload).toHex());
    }

    /** A packet with the id 5 that wants a completion. */
    private static Bytes packet(int type, Bytes header, byte[] payload) {
        byte[] head = header.toArray();
        return descriptor(type, 1, head.length, payload.length, 5).put(head).put(payload);
    }

    private static Bytes descriptor(int type, int flags, int header, int payload, long id) {
        return new Bytes().u16(type, (16 + header) / 8, (16 + header + payload) / 8, flags).u64(id);
    }
}
