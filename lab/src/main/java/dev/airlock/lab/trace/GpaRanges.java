package dev.airlock.lab.trace;

import dev.airlock.memory.HvPage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * GPA ranges in a packet. Source: Linux {@code include/linux/hyperv.h}, {@code struct gpa_range}:
 * byte count u32, byte offset u32, then one u64 PFN per page that they touch; ranges follow each
 * other. Some guests leave room, or more PFNs than needed, behind the last.
 */
final class GpaRanges {
    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** {@code gpa_range.pfn_array}. */
    private static final int HEAD_BYTES = 2 * Integer.BYTES;

    /** Ranges that a line of text shows one by one. */
    private static final int MAX_IN_TEXT = 8;

    private record Range(long length, long offset, long[] pfns) {}

    private final List<Range> ranges;
    private final long unusedBytes;

    private GpaRanges(List<Range> ranges, long unusedBytes) {
        this.ranges = ranges;
        this.unusedBytes = unusedBytes;
    }

    /**
     * Reads {@code count} ranges, all of which must lie in {@code [from, end)}.
     *
     * @param count u32 as the packet says, unsigned
     */
    static GpaRanges decode(int line, MemorySegment packet, long from, long end, long count)
            throws TraceException {
        List<Range> ranges = new ArrayList<>();
        long at = from;
        for (long i = 0; i < count; i++) {
            if (end - at < HEAD_BYTES) {
                throw new TraceException(
                        line,
                        "GPA range %d of %d lies outside the packet's header"
                                .formatted(i + 1, count));
            }
            long length = Integer.toUnsignedLong(packet.get(U32, at));
            long offset = Integer.toUnsignedLong(packet.get(U32, at + Integer.BYTES));
            long pages = (offset + length + HvPage.SIZE - 1) >>> HvPage.SHIFT;
            at += HEAD_BYTES;
            if (offset >= HvPage.SIZE) {
                throw new TraceException(
                        line, "GPA range begins outside its first page: offset=" + offset);
            }
            if (pages > (end - at) / Long.BYTES) {
                throw new TraceException(
                        line,
                        "GPA range needs %d PFNs, the packet's header has room for %d"
                                .formatted(pages, (end - at) / Long.BYTES));
            }
            long[] pfns = new long[(int) pages];
            MemorySegment.copy(packet, U64, at, pfns, 0, pfns.length);
            at += pages * Long.BYTES;
            ranges.add(new Range(length, offset, pfns));
        }
        return new GpaRanges(ranges, end - at);
    }

    void describe(DecodedEvent.Builder out) {
        if (ranges.size() == 1) {
            Range only = ranges.getFirst();
            out.add("length", only.length).add("offset", only.offset);
            out.add("pages", only.pfns.length);
            if (only.pfns.length > 0) {
                out.hex("firstPfn", only.pfns[0]);
            }
        } else {
            out.add("rangeCount", ranges.size());
            out.add("length", ranges.stream().mapToLong(Range::length).sum());
            out.add("pages", ranges.stream().mapToInt(r -> r.pfns.length).sum());
            if (!ranges.isEmpty()) {
                out.prose(text());
            }
        }
        out.silent("ranges", ranges.stream().map(GpaRanges::map).toList());
        if (unusedBytes != 0) {
            // Stale PFNs behind those that count, or room for more.
            out.add("unusedPfns", unusedBytes / Long.BYTES);
        }
    }

    private String text() {
        StringBuilder text = new StringBuilder();
        for (Range range : ranges.subList(0, Math.min(ranges.size(), MAX_IN_TEXT))) {
            text.append("[length=").append(range.length).append(" offset=").append(range.offset);
            text.append(" pages=").append(range.pfns.length);
            if (range.pfns.length > 0) {
                text.append(" firstPfn=").append(DecodedEvent.Builder.hex(range.pfns[0]));
            }
            text.append(']');
        }
        int more = ranges.size() - MAX_IN_TEXT;
        return more > 0 ? text + "+" + more : text.toString();
    }

    private static Map<String, Object> map(Range range) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("length", range.length);
        map.put("offset", range.offset);
        List<String> pfns = new ArrayList<>(range.pfns.length);
        for (long pfn : range.pfns) {
            pfns.add(DecodedEvent.Builder.hex(pfn));
        }
        map.put("pfns", pfns);
        return map;
    }
}
