package dev.airlock.lab.trace;

import dev.airlock.vmbus.message.ControlMessage;
import dev.airlock.vmbus.message.GpadlBody;
import dev.airlock.vmbus.message.GpadlCreated;
import dev.airlock.vmbus.message.GpadlHeader;
import dev.airlock.vmbus.message.GpadlWords;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * GPADLs whose header has come and whose bodies have not all, so that a message that was cut off is
 * noticed. Bounded; the oldest are forgotten. For one thread.
 */
final class PendingGpadls {
    private static final int MAX_PENDING = 1 << 12;

    /** Where the words begin: behind relid, handle and the two counts, u32, u32, u16, u16. */
    private static final int HEADER_WORDS_OFFSET =
            ControlMessage.HEADER_BYTES + 2 * Integer.BYTES + 2 * Short.BYTES;

    /** Where the words begin: behind number and handle, u32 each. */
    private static final int BODY_WORDS_OFFSET = ControlMessage.HEADER_BYTES + 2 * Integer.BYTES;

    /** A GPADL's words still to come, and how many ranges they are of. */
    private record Pending(int words, int ranges) {}

    private final Map<Integer, Pending> byHandle = new LinkedHashMap<>();

    void header(int line, GpadlHeader m, MemorySegment bytes, DecodedEvent.Builder out)
            throws TraceException {
        checkWords(line, "GPADL_HEADER", bytes.byteSize() - HEADER_WORDS_OFFSET);
        GpadlWords words = m.words();
        if (m.rangeBytes() % Long.BYTES != 0) {
            throw new TraceException(
                    line, "GPADL_HEADER of no whole words: rangeBytes=" + m.rangeBytes());
        }
        if (words.count() == 0) {
            throw new TraceException(line, "GPADL_HEADER cut off: it has no range");
        }
        int missing = m.rangeBytes() / Long.BYTES - words.count();
        out.unsigned("relid", m.relid()).hex("gpadl", Integer.toUnsignedLong(m.gpadl()));
        out.add("ranges", m.rangeCount()).add("rangeBytes", m.rangeBytes());
        long head = words.word(0);
        out.add("length", head & 0xFFFF_FFFFL).add("offset", head >>> Integer.SIZE);
        if (m.rangeCount() == 1) {
            out.add("pages", m.rangeBytes() / Long.BYTES - 1);
            pfns(words, 1, out);
        } else {
            out.add("words", words.count());
        }
        byHandle.remove(m.gpadl());
        if (missing > 0) {
            out.add("missing", missing);
            byHandle.put(m.gpadl(), new Pending(missing, m.rangeCount()));
            if (byHandle.size() > MAX_PENDING) {
                byHandle.remove(byHandle.keySet().iterator().next());
            }
        }
    }

    void body(int line, GpadlBody m, MemorySegment bytes, DecodedEvent.Builder out)
            throws TraceException {
        checkWords(line, "GPADL_BODY", bytes.byteSize() - BODY_WORDS_OFFSET);
        GpadlWords words = m.words();
        out.hex("gpadl", Integer.toUnsignedLong(m.gpadl())).unsigned("number", m.messageNumber());
        @Nullable Pending pending = byHandle.remove(m.gpadl());
        if (pending == null || pending.ranges == 1) {
            pfns(words, 0, out);
        } else {
            out.add("words", words.count());
        }
        if (pending == null) {
            return; // Of a header before the recording, or of one that could not be decoded.
        }
        int missing = pending.words - words.count();
        if (missing < 0) {
            out.add("excess", -missing);
        }
        if (missing > 0) {
            out.add("missing", missing);
            byHandle.put(m.gpadl(), new Pending(missing, pending.ranges));
        }
    }

    /** A host accepts no GPADL of which a part is missing: then a message here was cut off. */
    void created(int line, GpadlCreated m) throws TraceException {
        Pending pending = byHandle.remove(m.gpadl());
        if (pending != null && m.status() == NtStatus.SUCCESS) {
            throw new TraceException(
                    line,
                    "GPADL_CREATED for a GPADL that is not complete: gpadl=0x%x missing=%d words"
                            .formatted(m.gpadl(), pending.words));
        }
    }

    private static void checkWords(int line, String name, long bytes) throws TraceException {
        if (bytes % Long.BYTES != 0) {
            throw new TraceException(line, name + " cut off in the middle of a PFN");
        }
    }

    private static void pfns(GpadlWords words, int from, DecodedEvent.Builder out) {
        out.add("pfns", words.count() - from);
        if (words.count() > from) {
            out.hex("firstPfn", words.word(from));
        }
    }
}
