package dev.airlock.nbd;

import dev.airlock.memory.HvPage;

/**
 * A connection's buffers: pieces of one range of guest memory that the host can see, whole pages.
 * The lowest that fits is taken, so that few buffers in use mean few pages touched. Allocates
 * nothing after construction. For one thread.
 */
final class BufferArena {
    /** What {@link #allocate} returns when no free piece is large enough. */
    static final long NONE = -1;

    /** Free pieces by address, never adjacent. */
    private final long[] starts;

    private final long[] lengths;
    private int pieces;
    private long used;
    private final long start;
    private long touchedEnd;

    /**
     * @param gpa of the range, page-aligned
     * @param bytes of the range, whole pages
     * @param buffersMax most buffers in use at a time
     */
    BufferArena(long gpa, long bytes, int buffersMax) {
        starts = new long[buffersMax + 1];
        lengths = new long[buffersMax + 1];
        starts[0] = gpa;
        lengths[0] = bytes;
        pieces = 1;
        start = gpa;
        touchedEnd = gpa;
    }

    /** Bytes from the start of the range on that have been part of a buffer at some time. */
    long touched() {
        return touchedEnd - start;
    }

    /** Bytes in use. */
    long used() {
        return used;
    }

    /** Takes at least so many bytes; page-aligned. */
    long allocate(long bytes) {
        long wanted = wholePages(bytes);
        for (int i = 0; i < pieces; i++) {
            if (lengths[i] >= wanted) {
                long gpa = starts[i];
                if (lengths[i] == wanted) {
                    remove(i);
                } else {
                    starts[i] += wanted;
                    lengths[i] -= wanted;
                }
                used += wanted;
                touchedEnd = Math.max(touchedEnd, gpa + wanted);
                return gpa;
            }
        }
        return NONE;
    }

    /** Gives a buffer back, with the size it was taken by. */
    void free(long gpa, long bytes) {
        long length = wholePages(bytes);
        int at = 0;
        while (at < pieces && starts[at] < gpa) {
            at++;
        }
        boolean joinsLower = at > 0 && starts[at - 1] + lengths[at - 1] == gpa;
        boolean joinsUpper = at < pieces && gpa + length == starts[at];
        if (joinsLower && joinsUpper) {
            lengths[at - 1] += length + lengths[at];
            remove(at);
        } else if (joinsLower) {
            lengths[at - 1] += length;
        } else if (joinsUpper) {
            starts[at] = gpa;
            lengths[at] += length;
        } else {
            System.arraycopy(starts, at, starts, at + 1, pieces - at);
            System.arraycopy(lengths, at, lengths, at + 1, pieces - at);
            starts[at] = gpa;
            lengths[at] = length;
            pieces++;
        }
        used -= length;
    }

    private void remove(int piece) {
        pieces--;
        System.arraycopy(starts, piece + 1, starts, piece, pieces - piece);
        System.arraycopy(lengths, piece + 1, lengths, piece, pieces - piece);
    }

    private static long wholePages(long bytes) {
        return (bytes + HvPage.MASK) & -HvPage.SIZE;
    }
}
