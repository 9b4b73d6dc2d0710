package dev.airlock.lab.hostile;

import dev.airlock.linux.Fd;
import dev.airlock.linux.LinuxException;
import dev.airlock.memory.GuestMemory;
import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.RingLayout;
import java.lang.foreign.MemorySegment;

/**
 * A hostile guest's memory: one sealed memfd, of which the first pages are for rings and the rest
 * for data. Where the host sees it is the seed's choice: in one piece, or in two apart, the first
 * half perhaps twice.
 *
 * <p>Not thread-safe, but for {@link #bytes}. Owns the memory.
 */
final class GuestPages implements AutoCloseable {
    /** Pages in all. */
    static final int PAGES = 1024;

    /** Pages of the rings of one channel, both directions. */
    static final int RING_PAGES = 40;

    /** Channels that can be open at once. */
    static final int CHANNELS = 4;

    static final int FIRST_DATA_PAGE = RING_PAGES * CHANNELS;

    private static final int HALF = PAGES / 2;
    private static final int ODD_RING_ONE_IN = 40;

    private final GuestMemory memory = GuestMemory.shared((long) PAGES << HvPage.SHIFT);
    private long firstHalfPfn;
    private long secondHalfPfn;
    private long aliasPfn;

    GuestPages() throws LinuxException {}

    /** All of it; offset = page number * 4096. */
    MemorySegment bytes() {
        return memory.bytes();
    }

    Fd memfd() {
        return memory.sharedRegions().getFirst().memfd();
    }

    /** Chooses where the host is to see it. */
    void place(Dice dice) {
        firstHalfPfn = dice.oneIn(2) ? 0 : dice.bits() >>> 26 & 0xFF_FFFF;
        secondHalfPfn = firstHalfPfn + HALF + (dice.oneIn(2) ? 0 : dice.below(1 << 20));
        aliasPfn = dice.oneIn(4) ? secondHalfPfn + HALF + dice.below(1 << 20) : -1;
    }

    /** A region to hand to the host: its address, bytes, and offset in the memfd. */
    record Region(long gpa, long bytes, long offset) {}

    /** What {@link #place} chose. */
    Region[] regions() {
        long bytes = (long) HALF << HvPage.SHIFT;
        Region first = new Region(firstHalfPfn << HvPage.SHIFT, bytes, 0);
        Region second = new Region(secondHalfPfn << HvPage.SHIFT, bytes, bytes);
        return aliasPfn < 0
                ? new Region[] {first, second}
                : new Region[] {first, second, new Region(aliasPfn << HvPage.SHIFT, bytes, 0)};
    }

    /** The PFN by which the host knows a page. */
    long pfn(int page) {
        return page < HALF ? firstHalfPfn + page : secondHalfPfn + page - HALF;
    }

    /** A page for data. */
    int dataPage(Dice dice) {
        return dice.between(FIRST_DATA_PAGE, PAGES - 1);
    }

    /** Pages for the rings of a channel: in order, in disorder, or one of them twice. */
    int[] ringPages(int slot, int count, Dice dice) {
        int[] ring = new int[count];
        for (int i = 0; i < count; i++) {
            ring[i] = slot * RING_PAGES + i;
        }
        if (dice.oneIn(3)) {
            for (int i = count - 1; i > 0; i--) {
                int other = dice.below(i + 1);
                int page = ring[i];
                ring[i] = ring[other];
                ring[other] = page;
            }
        }
        if (dice.oneIn(ODD_RING_ONE_IN)) {
            ring[dice.below(count)] = ring[dice.below(count)];
        }
        return ring;
    }

    /** Zeroes a ring's control words, nearly always. */
    void clearControlPage(int page, Dice dice) {
        long at = (long) page << HvPage.SHIFT;
        int words = RingLayout.FEATURE_BITS_OFFSET + Integer.BYTES;
        bytes().asSlice(at, words).fill((byte) 0);
        if (dice.oneIn(ODD_RING_ONE_IN)) {
            Spoiler.anywhere(bytes(), at, words, dice);
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
