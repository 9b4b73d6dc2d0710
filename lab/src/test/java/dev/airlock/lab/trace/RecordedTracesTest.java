package dev.airlock.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.vmbus.message.ControlMessage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The referee's first demand: what the real driver and its host wrote decodes and encodes again.
 */
class RecordedTracesTest {

    @ParameterizedTest
    @CsvSource({
        Recordings.NORMAL + ", 301, 146",
        Recordings.ISOLATED + ", 463, 227",
        Recordings.VTOM + ", 463, 227"
    })
    void shouldDecodeEveryLine(String name, int lines, int requests) throws Exception {
        List<DecodedEvent> events = Recordings.decode(Recordings.file(name));
        assertThat(events).hasSize(lines);
        assertThat(events)
                .filteredOn(e -> "COMPLETION".equals(e.name()))
                .hasSize(requests)
                .allSatisfy(e -> {
                    assertThat(e.value("request")).isNotNull();
                    assertThat(e.value("status")).isEqualTo("SUCCESS");
                });
        assertThat(events)
                .extracting(DecodedEvent::text)
                .allSatisfy(text ->
                        assertThat(text)
                                .doesNotContain("trailingBytes")
                                .doesNotContain("wrongDirection")
                                .doesNotContain("unusedPfns")
                                .doesNotContain("CDB ")
                                .doesNotContain("vstorBytes")
                                .doesNotContain("srbLength"));
    }

    @Test
    void shouldSayWhatTheIsolatedGuestDid() throws Exception {
        List<DecodedEvent> events = Recordings.decode(Recordings.file(Recordings.ISOLATED));
        assertThat(events)
                .extracting(DecodedEvent::text)
                .startsWith(
                        "guest>host control REQUEST_OFFERS",
                        "host>guest control OFFER_CHANNEL relid=1 connection=0x2001 device=scsi"
                                + " interface=ba6163d9-04a1-4d29-b605-72e2ffb1dc7f"
                                + " instance=ba616301-04a1-4d29-b605-72e2ffb1dc7f subchannel=0 flags=0x0"
                                + " dedicatedInterrupt=true",
                        "guest>host control GPADL_HEADER relid=1 gpadl=0xe1e10 ranges=1 rangeBytes=520"
                                + " length=262144 offset=0 pages=64 pfns=26 firstPfn=0x2840 missing=38",
                        "guest>host control GPADL_BODY gpadl=0xe1e10 number=0 pfns=28 firstPfn=0x285a"
                                + " missing=10",
                        "guest>host control GPADL_BODY gpadl=0xe1e10 number=0 pfns=10 firstPfn=0x2876",
                        "gpadl pages=64 visible=64",
                        "host>guest control GPADL_CREATED relid=1 gpadl=0xe1e10 status=SUCCESS",
                        "guest>host control OPEN_CHANNEL relid=1 openId=1 gpadl=0xe1e10 targetCpu=0"
                                + " downstreamPageOffset=32",
                        "host>guest control OPEN_CHANNEL_RESULT relid=1 openId=1 status=SUCCESS",
                        "guest>host packet DATA_INBAND id=0xfffffffffffffffd BEGIN_INITIALIZATION"
                                + " visible=0/0",
                        "host>guest packet COMPLETION id=0xfffffffffffffffd COMPLETE_IO of"
                                + " BEGIN_INITIALIZATION",
                        "guest>host packet DATA_INBAND id=0xfffffffffffffffd QUERY_PROTOCOL_VERSION"
                                + " version=6.2 visible=0/0",
                        "host>guest packet COMPLETION id=0xfffffffffffffffd COMPLETE_IO of"
                                + " QUERY_PROTOCOL_VERSION version=6.2",
                        "guest>host packet DATA_INBAND id=0xfffffffffffffffd QUERY_PROPERTIES"
                                + " visible=0/0",
                        "host>guest packet COMPLETION id=0xfffffffffffffffd COMPLETE_IO of"
                                + " QUERY_PROPERTIES maxTransferBytes=2097152 maxChannels=0 properties=0x0",
                        "guest>host packet DATA_INBAND id=0xfffffffffffffffd END_INITIALIZATION"
                                + " visible=0/0",
                        "host>guest packet COMPLETION id=0xfffffffffffffffd COMPLETE_IO of"
                                + " END_INITIALIZATION",
                        "guest>host packet DATA_USING_GPA_DIRECT id=0x81 EXECUTE_SRB path=0 target=0"
                                + " lun=0 INQUIRY allocation=36 in transfer=36"
                                + " srbFlags=DISABLE_SYNCH_TRANSFER|DATA_IN length=36 offset=3840 pages=1"
                                + " firstPfn=0x1e200 visible=1/1",
                        "host>guest packet COMPLETION id=0x81 COMPLETE_IO of EXECUTE_SRB INQUIRY path=0"
                                + " target=0 lun=0 srb=SUCCESS scsi=GOOD transferred=36")
                .endsWith(
                        "guest>host packet DATA_USING_GPA_DIRECT id=0x9f EXECUTE_SRB path=0 target=0"
                                + " lun=0 READ(10) lba=81913 blocks=7 in transfer=3584"
                                + " srbFlags=QUEUE_ACTION_ENABLE|DISABLE_SYNCH_TRANSFER|DATA_IN|NO_QUEUE_FREEZE"
                                + " length=3584 offset=0 pages=1 firstPfn=0x1eb0f visible=1/1",
                        "host>guest packet COMPLETION id=0x9f COMPLETE_IO of EXECUTE_SRB READ(10) path=0"
                                + " target=0 lun=0 srb=SUCCESS scsi=GOOD transferred=3584");
        assertThat(largestTransfer(events)).isEqualTo(258_048);
    }

    @Test
    void shouldSayWhatTheNormalGuestDid() throws Exception {
        List<DecodedEvent> events = Recordings.decode(Recordings.file(Recordings.NORMAL));
        assertThat(events.get(5).text()).isEqualTo("gpadl pages=64 visible=0");
        assertThat(events.get(289).text())
                .isEqualTo(
                        "guest>host packet DATA_USING_GPA_DIRECT id=0x9 EXECUTE_SRB path=0 target=0 lun=0"
                                + " READ(10) lba=14336 blocks=1024 in transfer=524288"
                                + " srbFlags=QUEUE_ACTION_ENABLE|DISABLE_SYNCH_TRANSFER|DATA_IN|NO_QUEUE_FREEZE"
                                + " length=524288 offset=3584 pages=129 firstPfn=0xfbbb visible=0/129");
        assertThat(largestTransfer(events)).isEqualTo(1 << 20);
        Map<String, Integer> commands = new TreeMap<>();
        for (DecodedEvent event : events) {
            if (event.value("command") instanceof String command) {
                commands.merge(command, 1, Integer::sum);
            }
        }
        assertThat(commands).containsKeys("INQUIRY", "REPORT LUNS", "READ(10)", "WRITE(10)");
    }

    @Test
    void shouldReencodeEveryEventToTheSameBytes() throws Exception {
        int controls = 0;
        int packets = 0;
        for (Path file : Recordings.all()) {
            PacketCopier copier = new PacketCopier();
            for (TraceEvent event : TraceReader.readAll(file)) {
                String place = file.getFileName() + ":" + event.line();
                switch (event) {
                    case TraceEvent.Control control -> {
                        MemorySegment bytes = control.message();
                        ControlMessage message =
                                Objects.requireNonNull(
                                        ControlMessage.decode(bytes, 0, (int) bytes.byteSize()),
                                        place);
                        assertThat(message.toBytes()).as(place).isEqualTo(array(bytes));
                        controls++;
                    }
                    case TraceEvent.Packet packet -> {
                        assertThat(copier.encodeAgain(packet))
                                .as(place)
                                .isEqualTo(array(packet.packet()));
                        packets++;
                    }
                    case TraceEvent.Gpadl gpadl -> assertThat(gpadl.pages()).isEqualTo(64);
                }
            }
        }
        assertThat(controls).isGreaterThanOrEqualTo(24);
        assertThat(packets).isGreaterThanOrEqualTo(1200);
    }

    @Test
    void shouldDecodeARecordingInUpperCaseWithCarriageReturnsToTheSameLines() throws Exception {
        Path file = Recordings.file(Recordings.ISOLATED);
        List<String> expected = Recordings.decode(file).stream().map(DecodedEvent::text).toList();
        StringBuilder changed = new StringBuilder("# the same\r\n\r\n");
        for (String line : Files.readAllLines(file)) {
            int at = line.lastIndexOf(' ') + 1;
            String last = line.substring(at);
            changed.append(line, 0, at)
                    .append(last.contains("=") ? last : last.toUpperCase(Locale.ROOT))
                    .append("\r\n");
        }
        assertThat(Lines.decodeBytes(changed.toString().getBytes(StandardCharsets.US_ASCII)))
                .isEqualTo(expected);
    }

    private static long largestTransfer(List<DecodedEvent> events) {
        return events.stream()
                .map(e -> e.value("transfer"))
                .filter(Long.class::isInstance)
                .mapToLong(Long.class::cast)
                .max()
                .orElseThrow();
    }

    private static byte[] array(MemorySegment segment) {
        return segment.toArray(ValueLayout.JAVA_BYTE);
    }
}
