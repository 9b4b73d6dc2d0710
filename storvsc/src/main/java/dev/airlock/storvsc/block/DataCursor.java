package dev.airlock.storvsc.block;

import dev.airlock.dma.Scatterlist;
import dev.airlock.memory.HvPage;
import dev.airlock.storvsc.ScsiRequest;
import org.jspecify.annotations.Nullable;

/**
 * Walks a data list from its beginning and cuts it into pieces, each of which can be one GPA range:
 * at most so many bytes, whole sectors, and without a gap when seen as a run of 4 KiB pages. Where
 * the list has such a gap the piece ends; a gap inside a sector cannot be cut. Entries that follow
 * each other in memory are joined. Single-threaded, allocates nothing.
 */
final class DataCursor {
    /** Result of {@link #next}: a gap lies inside a sector. */
    static final int UNCUTTABLE = -1;

    private @Nullable Scatterlist list;
    private int entry;
    private int offsetInEntry;
    private int lastEntry;
    private int lastOffsetInEntry;

    /** Begins at the first byte of a list, which must not change until the walk is over. */
    void start(Scatterlist data) {
        list = data;
        entry = 0;
        offsetInEntry = 0;
    }

    /** Goes back to before the last piece. */
    void rewind() {
        entry = lastEntry;
        offsetInEntry = lastOffsetInEntry;
    }

    /** Forgets the list. */
    void end() {
        list = null;
    }

    /**
     * Adds the next piece to a command.
     *
     * @param maxBytes most bytes, at least a sector
     * @return its bytes; 0 at the end of the list; {@link #UNCUTTABLE}
     */
    int next(int maxBytes, int sectorBytes, ScsiRequest into) {
        Scatterlist data = list;
        if (data == null || entry == data.entries()) {
            return 0;
        }
        int bytes = measure(data, maxBytes);
        bytes -= bytes % sectorBytes;
        if (bytes == 0) {
            return UNCUTTABLE;
        }
        lastEntry = entry;
        lastOffsetInEntry = offsetInEntry;
        take(data, bytes, into);
        return bytes;
    }

    /** Bytes from here to the next gap, at most {@code maxBytes}. */
    private int measure(Scatterlist data, int maxBytes) {
        int bytes = 0;
        int offset = offsetInEntry;
        long end = 0;
        for (int at = entry; at < data.entries() && bytes < maxBytes; at++) {
            long gpa = data.gpa(at) + offset;
            if (bytes > 0 && gpa != end && ((gpa | end) & HvPage.MASK) != 0) {
                break;
            }
            int part = Math.min(data.bytes(at) - offset, maxBytes - bytes);
            bytes += part;
            end = gpa + part;
            offset = 0;
        }
        return bytes;
    }

    private void take(Scatterlist data, int bytes, ScsiRequest into) {
        long runGpa = 0;
        int runBytes = 0;
        int left = bytes;
        while (left > 0) {
            long gpa = data.gpa(entry) + offsetInEntry;
            int part = Math.min(data.bytes(entry) - offsetInEntry, left);
            if (runBytes > 0 && gpa != runGpa + runBytes) {
                add(into, runGpa, runBytes);
                runBytes = 0;
            }
            runGpa = runBytes == 0 ? gpa : runGpa;
            runBytes += part;
            left -= part;
            offsetInEntry += part;
            if (offsetInEntry == data.bytes(entry)) {
                entry++;
                offsetInEntry = 0;
            }
        }
        add(into, runGpa, runBytes);
    }

    private static void add(ScsiRequest into, long gpa, int bytes) {
        if (!into.addData(gpa, bytes)) {
            throw new IllegalStateException("more pieces than pages");
        }
    }
}
