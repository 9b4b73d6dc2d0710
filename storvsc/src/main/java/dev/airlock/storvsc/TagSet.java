package dev.airlock.storvsc;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The tags of one channel: a fixed set of small numbers, each free or claimed. The lowest free tag
 * is handed out first, so that the memory behind a tag stays warm in the cache at a low queue
 * depth.
 *
 * <p>Lock-free, allocates nothing after construction, any thread may call anything.
 */
public final class TagSet {
    private final AtomicLongArray words;
    private final int tags;

    public TagSet(int tags) {
        if (tags < 1 || tags > 1 << 16) {
            throw new IllegalArgumentException("tags must be in [1, 65536]: tags=" + tags);
        }
        this.tags = tags;
        this.words = new AtomicLongArray((tags + Long.SIZE - 1) / Long.SIZE);
        // Bits beyond the last tag are claimed for ever, so that the search needs no bound.
        if (tags % Long.SIZE != 0) {
            words.set(words.length() - 1, -1L << (tags % Long.SIZE));
        }
    }

    /** Claims the lowest free tag; -1 when there is none. */
    public int claim() {
        for (int word = 0; word < words.length(); word++) {
            long claimed = words.get(word);
            while (claimed != -1L) {
                long lowestFree = Long.lowestOneBit(~claimed);
                if (words.compareAndSet(word, claimed, claimed | lowestFree)) {
                    return word * Long.SIZE + Long.numberOfTrailingZeros(lowestFree);
                }
                claimed = words.get(word);
            }
        }
        return -1;
    }

    /** Claims this very tag; false when it is claimed already or not one of the set's. */
    public boolean claim(int tag) {
        if (tag < 0 || tag >= tags) {
            return false;
        }
        long bit = 1L << tag;
        return (words.getAndAccumulate(tag / Long.SIZE, bit, (old, add) -> old | add) & bit) == 0;
    }

    /** Gives a claimed tag back. Throws when it was free: two owners of one tag are a bug. */
    public void release(int tag) {
        long bit = 1L << tag;
        long old = words.getAndAccumulate(tag / Long.SIZE, bit, (claimed, drop) -> claimed & ~drop);
        if ((old & bit) == 0) {
            throw new IllegalStateException("tag released twice: tag=" + tag);
        }
    }

    /** The lowest claimed tag that is not below {@code from}; -1 when there is none. A snapshot. */
    public int nextClaimed(int from) {
        for (int tag = from; tag < tags; tag = (tag / Long.SIZE + 1) * Long.SIZE) {
            long rest = words.get(tag / Long.SIZE) & (-1L << tag);
            if (rest != 0) {
                int found = tag / Long.SIZE * Long.SIZE + Long.numberOfTrailingZeros(rest);
                return found < tags ? found : -1;
            }
        }
        return -1;
    }

    /** Number of claimed tags. A snapshot. */
    public int claimedCount() {
        int claimed = 0;
        for (int word = 0; word < words.length(); word++) {
            claimed += Long.bitCount(words.get(word));
        }
        return claimed - (words.length() * Long.SIZE - tags);
    }

    /** Number of tags, free and claimed. */
    public int size() {
        return tags;
    }
}
