package dev.airlock.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every control message, written here byte by byte from Linux {@code include/linux/hyperv.h}. */
class ControlMessagesTest {
    private static final String SCSI = "d96361baa104294db60572e2ffb1dc7f";
    private static final String SCSI_TEXT = "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f";
    private static final String OTHER = "000102030405060708090a0b0c0d0e0f";
    private static final String OTHER_TEXT = "03020100-0504-0706-0809-0a0b0c0d0e0f";

    static Stream<Arguments> messages() {
        return Stream.of(
                fromHost(
                        offer(SCSI, 0, 1, 1, 0x2001),
                        "OFFER_CHANNEL relid=1 connection=0x2001 device=scsi interface="
                                + SCSI_TEXT
                                + " instance="
                                + OTHER_TEXT
                                + " subchannel=0 flags=0x1 dedicatedInterrupt=true"),
                fromHost(
                        offer(SCSI, 3, 7, 0x2207, 0x12345),
                        "OFFER_CHANNEL relid=7 connection=0x12345 device=scsi interface="
                                + SCSI_TEXT
                                + " instance="
                                + OTHER_TEXT
                                + " subchannel=3 flags=0x2207 dedicatedInterrupt=true"),
                fromHost(
                        header(1)
                                .hex(OTHER)
                                .hex(OTHER)
                                .zeros(16)
                                .u16(0, 8)
                                .u8(0xAB, 0, 0xCD)
                                .zeros(117)
                                .u16(0, 0)
                                .u32(2)
                                .u8(9, 1)
                                .u16(0)
                                .u32(3),
                        "OFFER_CHANNEL relid=2 connection=0x3 device=unknown interface="
                                + OTHER_TEXT
                                + " instance="
                                + OTHER_TEXT
                                + " subchannel=0 flags=0x0 mmioMegabytes=8 monitorId=9"
                                + " dedicatedInterrupt=false userData=ab00cd"),
                fromHost(header(2).u32(5), "RESCIND_CHANNEL_OFFER relid=5"),
                fromGuest(header(3), "REQUEST_OFFERS"),
                fromHost(header(4), "ALL_OFFERS_DELIVERED"),
                fromGuest(
                        header(5).u32(1, 1, 0xE1E10, 2, 32).zeros(120),
                        "OPEN_CHANNEL relid=1 openId=1 gpadl=0xe1e10 targetCpu=2"
                                + " downstreamPageOffset=32"),
                fromGuest(
                        header(5).u32(1, 1, 5, -1, 32).u8(1).zeros(119).u32(0x99).u16(4, 1),
                        "OPEN_CHANNEL relid=1 openId=1 gpadl=0x5 targetCpu=none"
                                + " downstreamPageOffset=32 userData=01 connection=0x99 eventFlag=4"
                                + " openFlags=0x1"),
                fromHost(
                        header(6).u32(1, 2, 0xC000009AL),
                        "OPEN_CHANNEL_RESULT relid=1 openId=2 status=INSUFFICIENT_RESOURCES"),
                fromGuest(header(7).u32(0xFFFFFFFFL), "CLOSE_CHANNEL relid=4294967295"),
                fromHost(
                        header(10).u32(1, 0xE1E10, 0xC0001234L),
                        "GPADL_CREATED relid=1 gpadl=0xe1e10 status=0xc0001234"),
                fromGuest(header(11).u32(1, 0xE1E10), "GPADL_TEARDOWN relid=1 gpadl=0xe1e10"),
                fromHost(header(12).u32(0xE1E10), "GPADL_TORNDOWN gpadl=0xe1e10"),
                fromGuest(header(13).u32(9), "RELID_RELEASED relid=9"),
                fromGuest(
                        header(14).u32(0x40000, 0).u64(0x5000, 0x6000, 0x7000),
                        "INITIATE_CONTACT version=4.0 targetCpu=0 interruptPage=0x5000"
                                + " monitorPage1=0x6000 monitorPage2=0x7000"),
                fromGuest(
                        header(14).u32(0x50003, 1).u8(2, 1, 0, 0).u32(0).u64(0x6000, 0x7000),
                        "INITIATE_CONTACT version=5.3 targetCpu=1 sint=2 vtl=1"
                                + " monitorPage1=0x6000 monitorPage2=0x7000"),
                fromGuest(
                        header(14).u32(0x60000, 0).u8(2, 0, 0, 0).u32(0x10).u64(0, 0).hex(OTHER),
                        "INITIATE_CONTACT version=6.0 targetCpu=0 sint=2 vtl=0 features=0x10"
                                + " monitorPage1=0x0 monitorPage2=0x0 client="
                                + OTHER_TEXT),
                fromHost(
                        header(15).u8(1),
                        "VERSION_RESPONSE supported=true state=SUCCESSFUL messageConnection=0"),
                fromHost(
                        header(15).u8(1, 0, 0, 0).u32(0x10004),
                        "VERSION_RESPONSE supported=true state=SUCCESSFUL messageConnection=65540"),
                fromHost(
                        header(15).u8(0, 1, 0, 0).u32(0),
                        "VERSION_RESPONSE supported=false state=FAILED_LOW_RESOURCES"
                                + " messageConnection=0"),
                fromHost(
                        header(15).u8(1, 2, 0, 0).u32(4).u32(0x13),
                        "VERSION_RESPONSE supported=true state=FAILED_UNKNOWN_FAILURE"
                                + " messageConnection=4 features=0x13"),
                fromGuest(header(16), "UNLOAD"),
                fromHost(header(17), "UNLOAD_RESPONSE"),
                fromGuest(
                        header(21).hex(OTHER).hex(SCSI),
                        "TL_CONNECT_REQUEST endpoint=" + OTHER_TEXT + " service=" + SCSI_TEXT),
                fromGuest(
                        header(21).hex(OTHER).hex(SCSI).hex(OTHER),
                        "TL_CONNECT_REQUEST endpoint="
                                + OTHER_TEXT
                                + " service="
                                + SCSI_TEXT
                                + " silo="
                                + OTHER_TEXT),
                fromGuest(header(22).u32(3, 5), "MODIFY_CHANNEL relid=3 targetCpu=5"),
                fromHost(
                        header(23).hex(OTHER).hex(SCSI).u32(0xC0000236L),
                        "TL_CONNECT_RESULT endpoint="
                                + OTHER_TEXT
                                + " service="
                                + SCSI_TEXT
                                + " status=CONNECTION_REFUSED"),
                fromHost(header(24).u32(3, 0), "MODIFY_CHANNEL_RESPONSE relid=3 status=SUCCESS"));
    }

    @ParameterizedTest
    @MethodSource("messages")
    void shouldDecodeEveryMessage(String direction, byte[] message, String text) {
        assertThat(Lines.decodeOne(line(direction, message)))
                .isEqualTo(direction + " control " + text);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void shouldRefuseEveryMessageThatIsCutOff(String direction, byte[] message, String text) {
        String name = text.split(" ")[0];
        int shortest = shortestForm(name, message.length);
        for (int bytes = 0; bytes < shortest; bytes++) {
            String reason =
                    bytes < 8
                            ? "control message shorter than its header: bytes=%d needed=8"
                                    .formatted(bytes)
                            : "%s cut off: bytes=%d needed=%d"
                                    .formatted(
                                            name,
                                            bytes,
                                            name.equals("VERSION_RESPONSE") ? 16 : shortest);
            if (bytes == 0) {
                reason = "no bytes, cut off?";
            }
            assertThat(Lines.decodeOne(line(direction, Arrays.copyOf(message, bytes))))
                    .isEqualTo("!line 1: " + reason);
        }
    }

    @ParameterizedTest
    @MethodSource("messages")
    void shouldSayThatAMessageIsLongerThanWhatItMeans(
            String direction, byte[] message, String text) {
        int whole = longestForm(text.split(" ")[0], message.length);
        byte[] longer = Arrays.copyOf(message, whole + 3);
        assertThat(Lines.decodeOne(line(direction, longer)))
                .startsWith(direction + " control " + text.split(" ")[0])
                .endsWith(" trailingBytes=3");
        assertThat(Lines.decodeOne(line(direction, Arrays.copyOf(message, 241))))
                .isEqualTo(
                        "!line 1: %s longer than a SynIC message: bytes=241 limit=240"
                                .formatted(text.split(" ")[0]));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 18, 19, 20, 25, 99, 0xFFFFFFFFL})
    void shouldRefuseAnUnknownType(long type) {
        assertThat(Lines.decodeOne(line("guest>host", header(type).zeros(100).toArray())))
                .isEqualTo("!line 1: unknown control message type " + type);
    }

    @Test
    void shouldPointAtPaddingAndAtASenderThatNeverSendsThis() {
        String line = "ctl-host>guest " + new Bytes().u32(3, 0xABC).toHex();
        assertThat(Lines.decodeOne(line))
                .isEqualTo("host>guest control REQUEST_OFFERS padding=0xabc wrongDirection=true");
    }

    /** The structure's size; older forms of VERSION_RESPONSE end behind its first field. */
    private static int shortestForm(String name, int given) {
        return switch (name) {
            case "OPEN_CHANNEL" -> 148;
            case "INITIATE_CONTACT" -> 40;
            case "VERSION_RESPONSE" -> 9;
            case "TL_CONNECT_REQUEST" -> 40;
            default -> given;
        };
    }

    private static int longestForm(String name, int given) {
        return switch (name) {
            case "OPEN_CHANNEL" -> 156;
            case "INITIATE_CONTACT" -> 56;
            case "VERSION_RESPONSE" -> 20;
            case "TL_CONNECT_REQUEST" -> 56;
            default -> given;
        };
    }

    private static Bytes header(long type) {
        return new Bytes().u32(type, 0);
    }

    private static Bytes offer(String type, int subchannel, int relid, int flags, int connection) {
        return header(1)
                .hex(type)
                .hex(OTHER)
                .zeros(16)
                .u16(flags, 0)
                .zeros(120)
                .u16(subchannel, 0)
                .u32(relid)
                .u8(0, 0)
                .u16(1)
                .u32(connection);
    }

    private static Arguments fromGuest(Bytes message, String text) {
        return Arguments.of("guest>host", message.toArray(), text);
    }

    private static Arguments fromHost(Bytes message, String text) {
        return Arguments.of("host>guest", message.toArray(), text);
    }

    private static String line(String direction, byte[] message) {
        return "ctl-" + direction + " " + HexFormat.of().formatHex(message);
    }
}
