package dev.airlock.memory;

import java.util.concurrent.atomic.AtomicLongArray;

/** One bit a page. Read without a lock while one thread at a time changes it. */
final class PageBits {
    private final AtomicLongArray words;

    PageBits(long pages) {
        words = new AtomicLongArray(Math.toIntExact((pages + Long.SIZE - 1) / Long.SIZE));
    }

    /** Whether all of {@code count} pages from {@code first} on are set. */
    boolean areSet(long first, int count) {
        for (long page = first; page < first + count; page++) {
            if ((words.getAcquire((int) (page >>> 6)) >>> page & 1) == 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * Sets or clears pages.
     *
     * @return how many more are set than before
     */
    long set(long first, long count, boolean value) {
        long change = 0;
        for (long page = first; page < first + count; page++) {
            int word = (int) (page >>> 6);
            long before = words.getPlain(word);
            long after = value ? before | 1L << page : before & ~(1L << page);
            if (before != after) {
                words.setRelease(word, after);
                change += value ? 1 : -1;
            }
        }
        return change;
    }
}
