package dev.airlock.lab.trace;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.airlock.lab.trace.TraceDifference.Part;
import dev.airlock.lab.trace.TraceDifference.Row;
import dev.airlock.lab.trace.TraceProfile.Section;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class TraceDifferenceTest {

    @Test
    void shouldSayWhatIsolationChangedInTheRecordings() throws Exception {
        TraceDifference difference =
                TraceDifference.of(
                        profile(lines(Recordings.NORMAL)), profile(lines(Recordings.ISOLATED)));

        assertThat(difference.same()).isFalse();
        assertThat(difference.sections())
                .filteredOn(Part::same)
                .extracting(Part::section)
                .containsExactly(
                        Section.CONTROL_MESSAGES,
                        Section.CONTROL_SEQUENCE,
                        Section.VSTOR_OPERATIONS,
                        Section.SERVICES);
        assertThat(rows(difference, Section.GPADLS))
                .containsExactly(
                        new Row("number 1", "64 pages, 0 visible", "64 pages, 64 visible"));
        assertThat(rows(difference, Section.LARGEST_SRBS))
                .containsExactly(
                        new Row("READ(10)", 1048576L, 258048L),
                        new Row("WRITE(10)", 1048576L, 258048L));
        assertThat(rows(difference, Section.SRBS))
                .contains(
                        new Row("READ(10) of 258048 bytes", 0L, 48L),
                        new Row("READ(10) of 1048576 bytes", 8L, 0L));
        // More requests at the same four offsets: a bounce keeps the offset.
        assertThat(rows(difference, Section.OFFSETS))
                .extracting(Row::what)
                .containsExactly(
                        "READ(10) at 0",
                        "READ(10) at 512",
                        "READ(10) at 1536",
                        "READ(10) at 3584",
                        "WRITE(10) at 0",
                        "WRITE(10) at 512",
                        "WRITE(10) at 1536",
                        "WRITE(10) at 3584");
        assertThat(rows(difference, Section.PAGES))
                .contains(
                        new Row("of SRBs, visible", 0L, 5399L),
                        new Row("SRBs with a page that is not visible", 140L, 0L));
    }

    @Test
    void shouldFindNoDifferenceBetweenTheTwoIsolatedRecordings() throws Exception {
        TraceDifference difference =
                TraceDifference.of(
                        profile(lines(Recordings.ISOLATED)), profile(lines(Recordings.VTOM)));

        assertThat(difference.sections()).hasSize(Section.values().length);
        assertThat(difference.sections()).allMatch(Part::same);
        assertThat(difference.same()).isTrue();
    }

    @Test
    void shouldNameTheFirstControlMessageThatDiffers() throws Exception {
        List<String> recorded = lines(Recordings.ISOLATED);
        List<String> changed = new ArrayList<>(recorded);
        // OPEN_CHANNEL: the downstream ring begins at page 32, now 33.
        String open = changed.get(7);
        changed.set(7, open.substring(0, 63) + "21" + open.substring(65));
        assertThat(open.substring(63, 65)).isEqualTo("20");

        TraceDifference difference = TraceDifference.of(profile(recorded), profile(changed));

        assertThat(rows(difference, Section.CONTROL_SEQUENCE))
                .containsExactly(
                        new Row(
                                "first difference, message 7",
                                "guest>host OPEN_CHANNEL targetCpu=0 downstreamPageOffset=32",
                                "guest>host OPEN_CHANNEL targetCpu=0 downstreamPageOffset=33"));
        assertThat(difference.sections().stream().filter(part -> !part.same())).hasSize(1);
    }

    @Test
    void shouldNoticeAMessageMoreAndAnotherOrder() throws Exception {
        List<String> recorded = lines(Recordings.ISOLATED);
        List<String> swapped = new ArrayList<>(recorded);
        Collections.swap(swapped, 0, 1);
        List<String> fewer = recorded.subList(0, 8);

        TraceDifference order = TraceDifference.of(profile(recorded), profile(swapped));
        assertThat(part(order, Section.CONTROL_MESSAGES).same()).isTrue();
        assertThat(rows(order, Section.CONTROL_SEQUENCE))
                .extracting(Row::what)
                .containsExactly("first difference, message 1");

        TraceDifference shorter = TraceDifference.of(profile(recorded), profile(fewer));
        assertThat(rows(shorter, Section.CONTROL_MESSAGES))
                .containsExactly(new Row("host>guest OPEN_CHANNEL_RESULT", 1L, 0L));
        assertThat(rows(shorter, Section.CONTROL_SEQUENCE))
                .containsExactly(
                        new Row(
                                "first difference, message 8",
                                "host>guest OPEN_CHANNEL_RESULT status=SUCCESS",
                                TraceDifference.NONE));
    }

    @Test
    void shouldCompareResults() throws Exception {
        String read = Srbs.inband(7, Srbs.read10(100, 8, 4096));
        String good = Srbs.completion(7, Srbs.answer(0, 1, 0, 4096, new Bytes()));
        String less = Srbs.completion(7, Srbs.answer(0, 1, 0, 512, new Bytes()));
        Bytes sense = new Bytes().u8(0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0);
        String bad = Srbs.completion(7, Srbs.answer(0, 0x84, 2, 0, sense));

        TraceDifference difference =
                TraceDifference.of(
                        profile(List.of(read, good, read, less)), profile(List.of(read, bad)));

        List<Row> rows = rows(difference, Section.SRB_RESULTS);
        assertThat(rows).hasSize(3);
        assertThat(rows.get(0).what()).contains("READ(10)", "CHECK CONDITION", "MEDIUM ERROR");
        assertThat(rows.get(1)).isEqualTo(new Row("READ(10): SUCCESS, GOOD", 1L, 0L));
        assertThat(rows.get(2).what()).endsWith("transferred less than asked for");
        assertThat(rows(difference, Section.SRBS))
                .containsExactly(new Row("READ(10) of 4096 bytes", 2L, 1L));
    }

    @Test
    void shouldFindEmptyRecordingsTheSame() {
        assertThat(TraceDifference.of(new TraceProfile(), new TraceProfile()).same()).isTrue();
    }

    private static List<String> lines(String recording) throws Exception {
        return Files.readAllLines(Recordings.file(recording));
    }

    private static TraceProfile profile(List<String> lines) throws Exception {
        TraceProfile profile = new TraceProfile();
        TraceDecoder decoder = new TraceDecoder();
        byte[] text = String.join("\n", lines).getBytes(ISO_8859_1);
        try (TraceReader reader = new TraceReader(new ByteArrayInputStream(text))) {
            for (TraceEvent e = reader.next(); e != null; e = reader.next()) {
                profile.add(decoder.decode(e));
            }
        }
        return profile;
    }

    private static Part part(TraceDifference difference, Section section) {
        return difference.sections().get(section.ordinal());
    }

    private static List<Row> rows(TraceDifference difference, Section section) {
        assertThat(part(difference, section).section()).isEqualTo(section);
        return part(difference, section).rows();
    }
}
