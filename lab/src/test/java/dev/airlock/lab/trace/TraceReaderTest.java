package dev.airlock.lab.trace;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceReaderTest {
    private static final String REQUEST_OFFERS = "ctl-guest>host 0300000000000000";
    private static final String OFFERS = "guest>host control REQUEST_OFFERS";

    @Test
    void shouldReadEveryKindOfEventWithItsLineNumber(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("trace.txt");
        Files.writeString(
                file,
                """
                # made by hand

                ctl-guest>host 0300000000000000
                ctl-host>guest 0400000000000000
                gpadl pages=3 visible=2
                guest>host visible=1/2 0102
                host>guest fFfE
                """);
        List<TraceEvent> events = TraceReader.readAll(file);
        assertThat(events).extracting(TraceEvent::line).containsExactly(3, 4, 5, 6, 7);
        assertThat(events.get(0))
                .isInstanceOfSatisfying(
                        TraceEvent.Control.class,
                        e -> {
                            assertThat(e.direction()).isEqualTo(Direction.GUEST_TO_HOST);
                            assertThat(e.message().byteSize()).isEqualTo(8);
                            assertThat(e.message().isReadOnly()).isTrue();
                        });
        assertThat(events.get(2)).isEqualTo(new TraceEvent.Gpadl(5, 3, 2, List.of()));
        assertThat(events.get(3))
                .isInstanceOfSatisfying(
                        TraceEvent.Packet.class,
                        e -> {
                            assertThat(e.visible()).isEqualTo(new TraceEvent.Visible(1, 2));
                            assertThat(e.packet().toArray(ValueLayout.JAVA_BYTE))
                                    .containsExactly(1, 2);
                        });
        assertThat(events.get(4))
                .isInstanceOfSatisfying(
                        TraceEvent.Packet.class,
                        e -> {
                            assertThat(e.direction()).isEqualTo(Direction.HOST_TO_GUEST);
                            assertThat(e.visible()).isNull();
                            assertThat(e.packet().toArray(ValueLayout.JAVA_BYTE))
                                    .containsExactly(0xFF, 0xFE);
                        });
    }

    @Test
    void shouldAcceptCarriageReturnsBlanksCommentsAByteOrderMarkAndAMissingLastNewline() {
        String recording =
                "\u00EF\u00BB\u00BF# caf\u00E9\r\n \t\r\n\r\n  "
                        + REQUEST_OFFERS
                        + "  \r\n#x\n"
                        + REQUEST_OFFERS;
        assertThat(Lines.decodeBytes(recording.getBytes(ISO_8859_1)))
                .containsExactly(OFFERS, OFFERS);
    }

    @Test
    void shouldKeepWordsThatTheFormatDoesNotDefine() {
        assertThat(Lines.decodeOne("ctl-guest>host cpu=1 0300000000000000 t=5us"))
                .isEqualTo(OFFERS + " cpu=1 t=5us");
        assertThat(Lines.decodeOne("gpadl relid=2 visible=0 pages=1"))
                .isEqualTo("gpadl pages=1 visible=0 relid=2");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "signal 12; unknown event 'signal'",
                "CTL-guest>host 0300000000000000; unknown event 'CTL-guest>host'",
                "ctl-guest>host; no bytes, cut off?",
                "guest>host visible=0/0; no bytes, cut off?",
                "ctl-guest>host 030000000000000; odd number of hexadecimal digits, cut off? digits=15",
                "ctl-guest>host 03000000g0000000; not hexadecimal at digit 9: 'g0000000'",
                "ctl-guest>host 03 00; unexpected '00' after the bytes",
                "host>guest visible=2/1 00; not visible=V/T with V at most T, once: '2/1'",
                "guest>host visible=1 00; not visible=V/T with V at most T, once: '1'",
                "guest>host visible=-1/1 00; not visible=V/T with V at most T, once: '-1/1'",
                "guest>host visible=1/1 visible=1/1 00; not visible=V/T with V at most T, once: '1/1'",
                "guest>host visible=0/9999999999 00; not visible=V/T with V at most T, once: '0/9999999999'",
                "gpadl pages=1; a gpadl event needs pages=N visible=M",
                "gpadl; a gpadl event needs pages=N visible=M",
                "gpadl pages=x visible=1; not a count: 'pages=x'",
                "gpadl pages= visible=1; not a count: 'pages='",
                "gpadl pages=1 visible=2; more visible pages than pages: pages=1 visible=2",
                "gpadl pages=1 pages=1 visible=1; more than one pages=",
                "gpadl pages=1 visible=1 00; unexpected '00' in a gpadl event",
            })
    void shouldSayWhyALineIsNoEventAndGoOn(String line, String reason) {
        assertThat(Lines.decode(REQUEST_OFFERS, line, REQUEST_OFFERS))
                .containsExactly(OFFERS, "!line 2: " + reason, OFFERS);
    }

    @Test
    void shouldNotShowControlCharactersOrWholeLinesInReasons() {
        String text = Lines.decodeOne("\u001B[2J\u0007" + "x".repeat(1000) + "\u00E9");
        assertThat(text).startsWith("!line 1: unknown event '?[2J?xxx").endsWith("x...'");
        assertThat(text).hasSizeLessThan(100);
    }

    @Test
    void shouldReadTheLargestPacketThereCanBe() {
        int units = 0xFFFF;
        String packet =
                new Bytes().u16(0xC, 2, units, 0).u64(7).toHex() + "00".repeat((units - 2) * 8);
        assertThat(Lines.decodeOne("guest>host " + packet))
                .startsWith(
                        "guest>host packet DATA_USING_ADDITIONAL_PKT id=0x7 payloadBytes=524264");
    }

    @Test
    void shouldRefuseALineWithoutEndInBoundedMemoryAndGoOn() {
        String endless = "ctl-guest>host " + "00".repeat(TraceReader.MAX_LINE_BYTES / 2);
        assertThat(Lines.decode(endless, REQUEST_OFFERS))
                .containsExactly("!line 1: longer than 4194304 bytes", OFFERS);
    }

    @Test
    void shouldThrowAtTheFirstBadLineWhenAllEventsAreWanted(@TempDir Path folder)
            throws IOException {
        Path file = folder.resolve("trace.txt");
        Files.writeString(file, REQUEST_OFFERS + "\nnonsense\n");
        assertThatThrownBy(() -> TraceReader.readAll(file))
                .isInstanceOfSatisfying(
                        TraceException.class,
                        e -> {
                            assertThat(e.line()).isEqualTo(2);
                            assertThat(e.reason()).isEqualTo("unknown event 'nonsense'");
                        });
    }

    @Test
    void shouldEndAtOnceForAnEmptyFile() throws Exception {
        try (TraceReader reader = new TraceReader(new ByteArrayInputStream(new byte[0]))) {
            assertThat(reader.next()).isNull();
            assertThat(reader.next()).isNull();
        }
    }
}
