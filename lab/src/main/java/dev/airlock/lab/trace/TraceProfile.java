package dev.airlock.lab.trace;

import dev.airlock.scsi.VstorOperation;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a recording shows, counted, without the numbers that every run chooses anew (ids, handles,
 * PFNs): two of them can be compared. For one thread.
 */
public final class TraceProfile {

    /** What is counted. */
    public enum Section {
        CONTROL_MESSAGES("control messages"),
        CONTROL_SEQUENCE("control sequence"),
        GPADLS("GPADLs"),
        VSTOR_OPERATIONS("vstor operations"),
        SRBS("SRBs by command and size"),
        LARGEST_SRBS("largest SRB, bytes"),
        OFFSETS("offset of blocks in their first page"),
        PAGES("pages"),
        SRB_RESULTS("SRB results"),
        SERVICES("messages of services");

        private final String text;

        Section(String text) {
            this.text = text;
        }

        /** Its heading. */
        public String text() {
            return text;
        }
    }

    /** Fields of control messages that are another number in every run, and those for programs. */
    private static final Set<String> CHOSEN_BY_THE_RUN =
            Set.of(
                    "relid",
                    "connection",
                    "messageConnection",
                    "gpadl",
                    "openId",
                    "instance",
                    "client",
                    "firstPfn",
                    "interruptPage",
                    "monitorPage1",
                    "monitorPage2",
                    "notes");

    /** Fields of vstor packets that are, or that say what is counted elsewhere. */
    private static final Set<String> NOT_OF_THE_OPERATION =
            Set.of("id", "visible", VstorDecoder.OPERATION, VstorDecoder.REQUEST, "text", "notes");

    /** A thing that is counted: shown as name and number, and ordered by them. */
    record Key(String name, long number, String format) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int byName = name.compareTo(other.name);
            return byName != 0 ? byName : Long.compare(number, other.number);
        }

        @Override
        public String toString() {
            return format.formatted(name, number);
        }
    }

    private final Map<Section, SortedMap<Key, Long>> counts = new EnumMap<>(Section.class);
    private final Map<Section, List<String>> sequences = new EnumMap<>(Section.class);

    public TraceProfile() {
        for (Section section : Section.values()) {
            counts.put(section, new TreeMap<>());
            sequences.put(section, new ArrayList<>());
        }
        // Zero is a result here, and is to be seen when the other recording has more.
        for (PageCount count : PageCount.values()) {
            add(Section.PAGES, key(count.text), 0);
        }
    }

    private enum PageCount {
        GPADL("of GPADLs"),
        GPADL_VISIBLE("of GPADLs, visible"),
        DATA("of SRBs"),
        DATA_VISIBLE("of SRBs, visible"),
        SRBS_NOT_VISIBLE("SRBs with a page that is not visible");

        private final String text;

        PageCount(String text) {
            this.text = text;
        }
    }

    /** Counts an event. */
    public void add(DecodedEvent event) {
        switch (event.kind()) {
            case "control" -> control(event);
            case "gpadl" -> gpadl(event);
            default -> packet(event);
        }
    }

    /** Things counted, by section. */
    SortedMap<Key, Long> counts(Section section) {
        return counts.getOrDefault(section, new TreeMap<>());
    }

    /** Things in their order, by section. */
    List<String> sequence(Section section) {
        return sequences.getOrDefault(section, List.of());
    }

    private void control(DecodedEvent event) {
        String message = event.direction() + " " + event.name();
        add(Section.CONTROL_MESSAGES, key(message), 1);
        sequence(Section.CONTROL_SEQUENCE).add(message + fields(event, CHOSEN_BY_THE_RUN));
    }

    private void gpadl(DecodedEvent event) {
        long pages = number(event, "pages");
        long visible = number(event, "visible");
        sequence(Section.GPADLS).add("%d pages, %d visible".formatted(pages, visible));
        add(Section.PAGES, key(PageCount.GPADL.text), pages);
        add(Section.PAGES, key(PageCount.GPADL_VISIBLE.text), visible);
    }

    private void packet(DecodedEvent event) {
        Object operation = event.value(VstorDecoder.OPERATION);
        Object request = event.value(VstorDecoder.REQUEST);
        String srb = VstorOperation.name(VstorOperation.EXECUTE_SRB);
        if (srb.equals(operation)) {
            srb(event);
        } else if (srb.equals(request)) {
            result(event);
        } else if (event.value(PacketDecoder.SERVICE) != null) {
            String role = text(event, PacketDecoder.SERVICE_ROLE);
            add(Section.SERVICES, key(text(event, PacketDecoder.SERVICE) + " " + role), 1);
        } else {
            Object what = request != null ? "answer to " + request : operation;
            String text = event.direction() + " " + (what != null ? what : event.name());
            add(Section.VSTOR_OPERATIONS, key(text + fields(event, NOT_OF_THE_OPERATION)), 1);
        }
    }

    private void srb(DecodedEvent event) {
        String command = text(event, VstorDecoder.COMMAND);
        long bytes = number(event, "transfer");
        add(Section.SRBS, new Key(command, bytes, "%s of %d bytes"), 1);
        counts(Section.LARGEST_SRBS).merge(key(command), bytes, Math::max);
        // Reads and writes: where the kernel's small buffers for other commands lie is chance.
        boolean blocks = event.value("blocks") != null && bytes > 0;
        if (blocks && event.value("ranges") instanceof List<?> ranges) {
            for (Object range : ranges) {
                if (range instanceof Map<?, ?> map && map.get("offset") instanceof Number offset) {
                    Key key = new Key(command, offset.longValue(), "%s at %d");
                    add(Section.OFFSETS, key, 1);
                }
            }
        }
        pages(text(event, "visible"));
    }

    /**
     * @param visible as {@link TraceEvent.Visible} writes it, empty if the recording does not say
     */
    private void pages(String visible) {
        int slash = visible.indexOf('/');
        if (slash < 0) {
            return;
        }
        long seen = Long.parseLong(visible.substring(0, slash));
        long total = Long.parseLong(visible.substring(slash + 1));
        add(Section.PAGES, key(PageCount.DATA.text), total);
        add(Section.PAGES, key(PageCount.DATA_VISIBLE.text), seen);
        add(Section.PAGES, key(PageCount.SRBS_NOT_VISIBLE.text), seen < total ? 1 : 0);
    }

    private void result(DecodedEvent event) {
        String command = text(event, VstorDecoder.COMMAND);
        StringBuilder result = new StringBuilder(command);
        result.append(": ").append(text(event, "srb")).append(", ").append(text(event, "scsi"));
        if (event.value("sense") != null) {
            result.append(", ").append(text(event, "sense"));
        }
        if (number(event, "transferred") < number(event, "requested")) {
            result.append(", transferred less than asked for");
        }
        add(Section.SRB_RESULTS, key(result.toString()), 1);
    }

    private void add(Section section, Key key, long count) {
        counts(section).merge(key, count, Long::sum);
    }

    private static Key key(String name) {
        return new Key(name, 0, "%s");
    }

    private static String fields(DecodedEvent event, Set<String> without) {
        StringBuilder text = new StringBuilder();
        for (DecodedEvent.Field field : event.fields()) {
            boolean shown = field.shown() != DecodedEvent.Shown.NOT_AT_ALL;
            if (shown && !without.contains(field.name())) {
                text.append(' ').append(field.name()).append('=').append(field.value());
            }
        }
        return text.toString();
    }

    private static String text(DecodedEvent event, String field) {
        Object value = event.value(field);
        return value == null ? "" : value.toString();
    }

    private static long number(DecodedEvent event, String field) {
        return event.value(field) instanceof Number number ? number.longValue() : 0;
    }
}
