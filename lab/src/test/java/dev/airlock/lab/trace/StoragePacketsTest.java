package dev.airlock.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** vstor packets of every operation, outcome and protocol version. */
class StoragePacketsTest {
    private static final Bytes NOTHING = new Bytes();

    /** Fixed format: ILLEGAL REQUEST, INVALID FIELD IN CDB, byte 2. */
    private static final Bytes INVALID_FIELD =
            new Bytes().hex("700005000000000a00000000240000c000020000");

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "2; REMOVE_DEVICE",
                "7; BEGIN_INITIALIZATION",
                "8; END_INITIALIZATION",
                "10; QUERY_PROPERTIES",
                "11; ENUMERATE_BUS",
                "12; FCHBA_DATA",
            })
    void shouldDecodeOperationsWithoutFields(int operation, String name) {
        assertThat(Lines.decodeOne(Srbs.inband(9, Srbs.operation(operation, NOTHING))))
                .isEqualTo("guest>host packet DATA_INBAND id=0x9 " + name + " visible=0/0");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {"4; RESET_LUN", "5; RESET_ADAPTER", "6; RESET_BUS"})
    void shouldDecodeResetsWithTheirAddress(int operation, String name) {
        Bytes address = new Bytes().u16(52).u8(0, 0, 0, 1, 2, 3);
        assertThat(Lines.decodeOne(Srbs.inband(9, Srbs.operation(operation, address))))
                .isEqualTo(
                        "guest>host packet DATA_INBAND id=0x9 "
                                + name
                                + " path=1 target=2 lun=3 visible=0/0");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldDecodeTheInitialisationOfEveryProtocolVersion(boolean shortPackets) {
        // Kernels before 5.19 send these packets without the last 16 bytes, whatever they
        // negotiate.
        String suffix = shortPackets ? " vstorBytes=48" : "";
        String id = "0xfffffffffffffffd";
        for (String version : List.of("2.0", "4.2", "5.1", "6.0", "6.2")) {
            int number = version.charAt(0) - '0' << 8 | version.charAt(2) - '0';
            byte[] query = Srbs.operation(9, new Bytes().u16(number, 0));
            byte[] refuse = new Bytes().u32(1, 1, 0xC0000059L).zeros(52).toArray();
            assertThat(
                            Lines.decode(
                                    Srbs.inband(-3, cut(query, shortPackets)),
                                    Srbs.completion(-3, cut(refuse, shortPackets))))
                    .containsExactly(
                            "guest>host packet DATA_INBAND id=%s QUERY_PROTOCOL_VERSION version=%s%s visible=0/0"
                                    .formatted(id, version, suffix),
                            "host>guest packet COMPLETION id=%s COMPLETE_IO of QUERY_PROTOCOL_VERSION"
                                            .formatted(id)
                                    + " status=REVISION_MISMATCH version=0.0"
                                    + suffix);
        }
        byte[] properties =
                new Bytes().u32(1, 1, 0, 0).u16(8, 0).u32(1, 2 << 20).zeros(36).toArray();
        byte[] subchannels = Srbs.operation(13, new Bytes().u16(3));
        assertThat(
                        Lines.decode(
                                Srbs.inband(-3, cut(Srbs.operation(10, NOTHING), shortPackets)),
                                Srbs.completion(-3, cut(properties, shortPackets)),
                                Srbs.inband(-3, cut(subchannels, shortPackets)),
                                Srbs.completion(-3, cut(Srbs.operation(1, NOTHING), shortPackets))))
                .containsExactly(
                        "guest>host packet DATA_INBAND id=%s QUERY_PROPERTIES%s visible=0/0"
                                .formatted(id, suffix),
                        "host>guest packet COMPLETION id=%s COMPLETE_IO of QUERY_PROPERTIES"
                                        .formatted(id)
                                + " maxTransferBytes=2097152 maxChannels=8 properties=0x1"
                                + suffix,
                        "guest>host packet DATA_INBAND id=%s CREATE_SUB_CHANNELS count=3%s visible=0/0"
                                .formatted(id, suffix),
                        "host>guest packet COMPLETION id=%s COMPLETE_IO of CREATE_SUB_CHANNELS%s"
                                .formatted(id, suffix));
    }

    @Test
    void shouldDecodeShortSrbsOfProtocol42() {
        byte[] request = Srbs.shortened(Srbs.read10(8, 8, 4096));
        byte[] answer = Srbs.shortened(Srbs.answer(0, 0x01, 0, 4096, NOTHING));
        assertThat(Lines.decode(Srbs.inband(1, request), Srbs.completion(1, answer)))
                .containsExactly(
                        "guest>host packet DATA_INBAND id=0x1 EXECUTE_SRB path=0 target=0 lun=0"
                                + " READ(10) lba=8 blocks=8 in transfer=4096 vstorBytes=48 visible=0/0",
                        "host>guest packet COMPLETION id=0x1 COMPLETE_IO of EXECUTE_SRB READ(10)"
                                + " path=0 target=0 lun=2 srb=SUCCESS scsi=GOOD transferred=4096"
                                + " vstorBytes=48");
    }

    @Test
    void shouldNameWhatFailedAndWhy() {
        String request = Srbs.inband(0x81, Srbs.read10(8, 8, 4096));
        byte[] failed = Srbs.answer(0, 0x84, 0x02, 0, INVALID_FIELD);
        assertThat(Lines.decode(request, Srbs.completion(0x81, failed)).getLast())
                .isEqualTo(
                        "host>guest packet COMPLETION id=0x81 COMPLETE_IO of EXECUTE_SRB READ(10)"
                                + " path=0 target=0 lun=2 srb=ERROR|AUTOSENSE_VALID"
                                + " scsi=\"CHECK CONDITION\" transferred=0 requested=4096"
                                + " sense=\"ILLEGAL REQUEST: INVALID FIELD IN CDB, byte 2\""
                                + " senseKey=0x5 asc=0x24 ascq=0x0");
    }

    @Test
    void shouldDecodeDescriptorFormatAndUnknownSense() {
        Bytes unitAttention = new Bytes().hex("72062a0900000000");
        assertThat(outcome(Srbs.answer(0, 0x84, 0x02, 0, unitAttention)))
                .endsWith(
                        " sense=\"UNIT ATTENTION: CAPACITY DATA HAS CHANGED\" senseKey=0x6 asc=0x2a ascq=0x9");
        assertThat(
                        outcome(
                                Srbs.answer(
                                        0,
                                        0x84,
                                        0x02,
                                        0,
                                        new Bytes().hex("7f0102030405060708090a0b0c0d"))))
                .endsWith(" sense=\"unknown sense 0x7f\"");
        assertThat(outcome(Srbs.answer(0, 0x84, 0x02, 0, NOTHING))).endsWith(" sense=\"no sense\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "0; 0x20; 0; srb=INVALID_LUN scsi=GOOD",
                "0; 0x45; 0x08; srb=BUSY|QUEUE_FROZEN scsi=BUSY",
                "0; 0x12; 0; srb=DATA_OVERRUN scsi=GOOD",
                "0; 0x3f; 0x28; srb=0x3f scsi=\"TASK SET FULL\"",
                "0; 0x04; 0x99; srb=ERROR scsi=0x99",
                "0xC0000001; 0x04; 0; srb=ERROR scsi=GOOD",
            })
    void shouldNameEveryOutcome(long ntStatus, int srb, int scsi, String text) {
        String status = ntStatus == 0 ? "" : " status=UNSUCCESSFUL";
        assertThat(outcome(Srbs.answer((int) ntStatus, srb, scsi, 512, NOTHING)))
                .isEqualTo(
                        "host>guest packet COMPLETION id=0x7 COMPLETE_IO of EXECUTE_SRB"
                                + status
                                + " READ(10) path=0 target=0 lun=2 "
                                + text
                                + " transferred=512");
    }

    @Test
    void shouldDecodeACompletionWhoseRequestItHasNotSeen() {
        assertThat(Lines.decodeOne(Srbs.completion(7, Srbs.answer(0, 0x01, 0, 512, NOTHING))))
                .isEqualTo(
                        "host>guest packet COMPLETION id=0x7 COMPLETE_IO path=0 target=0 lun=2"
                                + " srb=SUCCESS scsi=GOOD transferred=512");
        assertThat(Lines.decodeOne(Srbs.completion(7, Srbs.operation(1, NOTHING))))
                .isEqualTo("host>guest packet COMPLETION id=0x7 COMPLETE_IO");
    }

    @Test
    void shouldMatchAnswersInOrderWhereChannelsShareAnId() {
        byte[] done = Srbs.operation(1, NOTHING);
        assertThat(
                        Lines.decode(
                                Srbs.inband(-3, Srbs.operation(7, NOTHING)),
                                Srbs.inband(-3, Srbs.operation(8, NOTHING)),
                                Srbs.completion(-3, done),
                                Srbs.completion(-3, done),
                                Srbs.completion(-3, done)))
                .endsWith(
                        "host>guest packet COMPLETION id=0xfffffffffffffffd COMPLETE_IO of BEGIN_INITIALIZATION",
                        "host>guest packet COMPLETION id=0xfffffffffffffffd COMPLETE_IO of END_INITIALIZATION",
                        "host>guest packet COMPLETION id=0xfffffffffffffffd COMPLETE_IO");
    }

    @Test
    void shouldDecodeTheNamesOfAFibreChannelAdapter() {
        byte[] names =
                new Bytes()
                        .u32(1, 1, 0)
                        .u8(1, 0, 0, 0)
                        .hex("c003ff0000ffff00c003ff0000ffff01c003ff0000ffff02c003ff0000ffff03")
                        .zeros(16)
                        .toArray();
        assertThat(
                        Lines.decode(
                                        Srbs.inband(3, Srbs.operation(12, NOTHING)),
                                        Srbs.completion(3, names))
                                .getLast())
                .endsWith(
                        "COMPLETE_IO of FCHBA_DATA primaryActive=true primaryPort=c003ff0000ffff00"
                                + " primaryNode=c003ff0000ffff01 secondaryPort=c003ff0000ffff02"
                                + " secondaryNode=c003ff0000ffff03");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "280000000010000008 00; READ(10) lba=16 blocks=8 in",
                "2a0800000010000008 00; WRITE(10) lba=16 blocks=8 FUA in",
                "8800000000010000000000000008 0000; READ(16) lba=4294967296 blocks=8 in",
                "9e1000000000000000000000002000 00; READ CAPACITY(16) allocation=32 in",
                "351122334455; short SYNCHRONIZE CACHE(10) 351122334455 in",
                "c00102030405; CDB c00102030405 in",
                "''; no CDB in",
            })
    void shouldDecodeCommandsKnownOrNot(String cdb, String text) {
        byte[] request = Srbs.request(1, 2, 3, 1, 512, new Bytes().hex(cdb.replace(" ", "")));
        assertThat(Lines.decodeOne(Srbs.inband(1, request)))
                .startsWith(
                        "guest>host packet DATA_INBAND id=0x1 EXECUTE_SRB path=1 target=2 lun=3 "
                                + text
                                + " transfer=512");
    }

    @Test
    void shouldShowFieldsThatAreNotWhatLinuxSends() {
        byte[] odd = Srbs.request(0, 0, 0, 7, -1, new Bytes().u8(0, 0, 0, 0, 0, 0));
        odd[4] = 3; // flags
        odd[12] = 99; // SRB length
        odd[16] = 5; // port
        odd[20] = 40; // CDB length
        odd[50] = 17; // queue tag
        assertThat(Lines.decodeOne(Srbs.inband(1, odd)))
                .isEqualTo(
                        "guest>host packet DATA_INBAND id=0x1 EXECUTE_SRB port=5 path=0 target=0 lun=0"
                                + " TEST UNIT READY cdbLength=40 direction(7) transfer=4294967295"
                                + " srbFlags=QUEUE_ACTION_ENABLE|DATA_OUT queueTag=17 srbLength=99"
                                + " vstorFlags=3 visible=0/0");
        byte[] longer = Arrays.copyOf(Srbs.operation(8, NOTHING), 72);
        assertThat(Lines.decodeOne(Srbs.inband(1, longer)))
                .endsWith("END_INITIALIZATION vstorBytes=72 visible=0/0");
    }

    @Test
    void shouldRefuseUnknownOperationsAndPacketsCutOff() {
        for (int operation : new int[] {0, 14, -1}) {
            assertThat(Lines.decodeOne(Srbs.inband(1, Srbs.operation(operation, NOTHING))))
                    .isEqualTo(
                            "!line 1: unknown vstor operation "
                                    + Integer.toUnsignedString(operation));
        }
        for (int bytes = 0; bytes < 48; bytes += 8) {
            byte[] cut = Arrays.copyOf(Srbs.read10(0, 1, 512), bytes);
            assertThat(Lines.decodeOne(Srbs.inband(1, cut)))
                    .isEqualTo(
                            "!line 1: vstor packet cut off: bytes=%d needed=48".formatted(bytes));
        }
    }

    private static String outcome(byte[] answer) {
        return Lines.decode(Srbs.inband(7, Srbs.read10(0, 1, 512)), Srbs.completion(7, answer))
                .getLast();
    }

    private static byte[] cut(byte[] packet, boolean shorter) {
        return shorter ? Arrays.copyOf(packet, 48) : packet;
    }
}
