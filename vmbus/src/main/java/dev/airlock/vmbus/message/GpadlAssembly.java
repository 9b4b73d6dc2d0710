package dev.airlock.vmbus.message;

import dev.airlock.memory.HvPage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A GPADL on its way in: collects the words of a header and its bodies, then checks the whole.
 * Memory is bounded by the 16-bit {@code range_buflen}. For one thread.
 */
public final class GpadlAssembly {
    private final int relid;
    private final int handle;
    private final int rangeCount;
    private final long[] words;
    private int received;
    private boolean overrun;

    /** Begins with a header, whose words it takes. */
    public GpadlAssembly(GpadlHeader header) {
        this.relid = header.relid();
        this.handle = header.gpadl();
        this.rangeCount = header.rangeCount();
        this.words = new long[header.rangeBytes() / Long.BYTES];
        add(header.words());
    }

    public int relid() {
        return relid;
    }

    public int handle() {
        return handle;
    }

    /** Upper bound of the pages it can come to; for limits that must hold before it is complete. */
    public int maxPages() {
        return words.length;
    }

    /** Adds the words of a body. More than the header announced spoil the GPADL. */
    public void add(GpadlBody body) {
        add(body.words());
    }

    /** Whether nothing more is expected: all words are there, or too many came. */
    public boolean isComplete() {
        return overrun || received == words.length;
    }

    /**
     * Checks a complete GPADL: as many ranges as announced, each with in-page offset and with
     * exactly the PFNs its bytes need, at least one, and no words left over.
     *
     * @return null when it is malformed
     */
    public @Nullable Gpadl finish() {
        if (overrun || rangeCount == 0) {
            return null;
        }
        // Not presized: a count of 65535 ranges is the guest's word, and only real ranges get here.
        List<Gpadl.Range> ranges = new ArrayList<>();
        int at = 0;
        for (int i = 0; i < rangeCount; i++) {
            if (at == words.length) {
                return null;
            }
            long head = words[at++];
            long byteCount = head & 0xFFFF_FFFFL;
            long byteOffset = head >>> Integer.SIZE;
            if (byteOffset >= HvPage.SIZE || byteCount == 0) {
                return null;
            }
            long pages = HvPage.span((int) byteOffset, byteCount);
            if (pages > words.length - at) {
                return null;
            }
            long[] pfns = Arrays.copyOfRange(words, at, at + (int) pages);
            ranges.add(new Gpadl.Range((int) byteOffset, byteCount, pfns));
            at += (int) pages;
        }
        return at == words.length ? new Gpadl(handle, ranges) : null;
    }

    private void add(GpadlWords more) {
        if (more.count() > words.length - received) {
            overrun = true;
            return;
        }
        more.copyTo(words, received);
        received += more.count();
    }
}
