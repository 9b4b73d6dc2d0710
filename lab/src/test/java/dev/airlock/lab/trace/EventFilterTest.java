package dev.airlock.lab.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** On a recording of the isolated guest: 463 events, 227 of them answers. */
class EventFilterTest {
    private static final List<String> ANY = List.of();

    @Test
    void shouldPassEverythingWhenNothingIsAskedFor() throws Exception {
        assertThat(passing(null, ANY, ANY)).hasSize(463);
    }

    @Test
    void shouldSelectBySender() throws Exception {
        assertThat(passing(Direction.HOST_TO_GUEST, ANY, ANY))
                .hasSize(227 + 3)
                .allSatisfy(e -> assertThat(e.direction()).isEqualTo(Direction.HOST_TO_GUEST));
        assertThat(passing(Direction.GUEST_TO_HOST, ANY, ANY)).hasSize(463 - 1 - 230);
    }

    @Test
    void shouldSelectByKindAndMessage() throws Exception {
        assertThat(passing(null, List.of("gpadl"), ANY)).hasSize(1);
        assertThat(passing(null, List.of("control"), ANY)).hasSize(8);
        assertThat(passing(null, List.of("gpadl_body", "OPEN_CHANNEL"), ANY))
                .extracting(DecodedEvent::name)
                .containsExactly("GPADL_BODY", "GPADL_BODY", "OPEN_CHANNEL");
        assertThat(passing(null, List.of("COMPLETION"), ANY)).hasSize(227);
    }

    @Test
    void shouldSelectAnOperationWithItsAnswers() throws Exception {
        assertThat(passing(null, List.of("QUERY_PROPERTIES"), ANY))
                .extracting(DecodedEvent::name)
                .containsExactly("DATA_INBAND", "COMPLETION");
        assertThat(passing(null, List.of("EXECUTE_SRB"), ANY)).hasSize(2 * (227 - 4));
    }

    @Test
    void shouldSelectACommandByNameOfAnyLengthOrCode() throws Exception {
        List<DecodedEvent> reads = passing(null, ANY, List.of("READ(10)"));
        assertThat(reads)
                .hasSize(2 * 119)
                .allSatisfy(e -> assertThat(e.text()).contains("READ(10)"));
        assertThat(passing(null, ANY, List.of("read"))).isEqualTo(reads);
        assertThat(passing(null, ANY, List.of("0x28"))).isEqualTo(reads);
        assertThat(passing(null, ANY, List.of("40"))).isEqualTo(reads);
        assertThat(passing(null, ANY, List.of("read", "write"))).hasSize(2 * (119 + 59));
    }

    @Test
    void shouldAskForEachCriterion() throws Exception {
        assertThat(passing(Direction.HOST_TO_GUEST, List.of("packet"), List.of("WRITE")))
                .hasSize(59)
                .allSatisfy(e -> assertThat(e.name()).isEqualTo("COMPLETION"));
        assertThat(passing(null, List.of("control"), List.of("READ"))).isEmpty();
    }

    @Test
    void shouldSelectACommandThatHasNoName() throws Exception {
        byte[] unknown = Srbs.request(0, 0, 0, 1, 512, new Bytes().u8(0xC1, 1, 2, 3, 4, 5));
        String line = Srbs.inband(7, unknown);
        DecodedEvent event = new TraceDecoder().decode(event(line));

        assertThat(EventFilter.of(null, ANY, List.of("0xc1")).passes(event)).isTrue();
        assertThat(EventFilter.of(null, ANY, List.of("READ")).passes(event)).isFalse();
    }

    @Test
    void shouldRefuseNamesThatNothingHas() {
        assertThatThrownBy(() -> EventFilter.of(null, List.of("OPEN"), ANY))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("OPEN: no such event");
        for (String opcode : List.of("REED", "0x100", "-1", "")) {
            assertThatThrownBy(() -> EventFilter.of(null, ANY, List.of(opcode)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith(opcode + ": no such SCSI command");
        }
    }

    private static List<DecodedEvent> passing(
            @Nullable Direction direction, List<String> types, List<String> opcodes)
            throws Exception {
        EventFilter filter = EventFilter.of(direction, types, opcodes);
        return Recordings.decode(Recordings.file(Recordings.ISOLATED)).stream()
                .filter(filter::passes)
                .toList();
    }

    private static TraceEvent event(String line) throws TraceException {
        TraceEvent event = LineParser.parse(1, line);
        if (event == null) {
            throw new AssertionError(line);
        }
        return event;
    }
}
