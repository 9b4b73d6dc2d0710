package dev.airlock.vmbus.message;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The 64-bit words of a GPADL that one message carries: range heads and PFNs. Immutable. */
public final class GpadlWords {
    private final long[] words;

    private GpadlWords(long[] words) {
        this.words = words;
    }

    /** Copies {@code count} words of an array. */
    public static GpadlWords of(long[] words, int from, int count) {
        return new GpadlWords(Arrays.copyOfRange(words, from, from + count));
    }

    static GpadlWords decode(MemorySegment from, long at, int count) {
        long[] words = new long[count];
        MemorySegment.copy(from, Fields.U64, at, words, 0, count);
        return new GpadlWords(words);
    }

    void encode(MemorySegment to, long at) {
        MemorySegment.copy(words, 0, to, Fields.U64, at, words.length);
    }

    public int count() {
        return words.length;
    }

    /** The word at {@code index}, below {@link #count}: the head of a range, or a PFN. */
    public long word(int index) {
        return words[index];
    }

    /** Copies the words to {@code target[at...]}. */
    void copyTo(long[] target, int at) {
        System.arraycopy(words, 0, target, at, words.length);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof GpadlWords o && Arrays.equals(words, o.words);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(words);
    }

    @Override
    public String toString() {
        return words.length == 0
                ? "none"
                : "%d[%#x..%#x]".formatted(words.length, words[0], words[words.length - 1]);
    }
}
