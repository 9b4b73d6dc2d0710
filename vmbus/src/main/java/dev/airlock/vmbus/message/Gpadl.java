package dev.airlock.vmbus.message;

import dev.airlock.memory.HvPage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A GPADL: guest pages, in one or more ranges, that the guest lends to the host under a number.
 * Source: Linux {@code include/linux/hyperv.h}, {@code struct gpa_range}; each range is
 *
 * <pre>
 * 0 +------------------+-------------------+
 *   | byte_count (u32) | byte_offset (u32) |
 * 8 +------------------+-------------------+
 *   | pfn (u64), one per page that offset + count touches
 *   +------------
 * </pre>
 *
 * PFNs may be in any order, with any gaps. Immutable.
 */
public final class Gpadl {
    /** Most PFNs a GPADL of one range can have: {@code range_buflen} is 16 bits wide. */
    public static final int MAX_PAGES = 0xFFFF / Long.BYTES - 1;

    private final int handle;
    private final List<Range> ranges;
    private final int pageCount;

    Gpadl(int handle, List<Range> ranges) {
        this.handle = handle;
        this.ranges = List.copyOf(ranges);
        this.pageCount = ranges.stream().mapToInt(Range::pageCount).sum();
    }

    /** The guest's number for it. */
    public int handle() {
        return handle;
    }

    public List<Range> ranges() {
        return ranges;
    }

    /** Pages of all ranges. */
    public int pageCount() {
        return pageCount;
    }

    /**
     * The pages if the GPADL is a plain list of whole pages, as rings need it: one range without
     * in-page offset, a multiple of a page long. Null otherwise.
     */
    public long @Nullable [] wholePages() {
        Range range = ranges.getFirst();
        return ranges.size() == 1 && range.byteOffset == 0 && (range.byteCount & HvPage.MASK) == 0
                ? range.pfns.clone()
                : null;
    }

    /**
     * The messages by which a guest establishes a GPADL of whole pages.
     *
     * @param relid channel it is for
     * @param handle the guest's choice, not 0
     * @param pfns 1 to {@link #MAX_PAGES} pages
     */
    public static List<ControlMessage> messages(int relid, int handle, long[] pfns) {
        if (pfns.length == 0 || pfns.length > MAX_PAGES) {
            throw new IllegalArgumentException(
                    "GPADL pages not in [1, %d]: pages=%d".formatted(MAX_PAGES, pfns.length));
        }
        long[] words = new long[pfns.length + 1];
        words[0] = (long) pfns.length * HvPage.SIZE;
        System.arraycopy(pfns, 0, words, 1, pfns.length);
        List<ControlMessage> messages = new ArrayList<>();
        int sent = Math.min(words.length, GpadlHeader.MAX_WORDS);
        messages.add(
                new GpadlHeader(
                        relid,
                        handle,
                        words.length * Long.BYTES,
                        1,
                        GpadlWords.of(words, 0, sent)));
        while (sent < words.length) {
            int count = Math.min(words.length - sent, GpadlBody.MAX_WORDS);
            messages.add(new GpadlBody(0, handle, GpadlWords.of(words, sent, count)));
            sent += count;
        }
        return messages;
    }

    /**
     * One range.
     *
     * <p>Immutable; {@link #pfns} hands out copies.
     */
    public static final class Range {
        private final int byteOffset;
        private final long byteCount;
        private final long[] pfns;

        Range(int byteOffset, long byteCount, long[] pfns) {
            this.byteOffset = byteOffset;
            this.byteCount = byteCount;
            this.pfns = pfns;
        }

        /** Where the bytes begin in the first page. */
        public int byteOffset() {
            return byteOffset;
        }

        public long byteCount() {
            return byteCount;
        }

        public int pageCount() {
            return pfns.length;
        }

        public long[] pfns() {
            return pfns.clone();
        }
    }
}
