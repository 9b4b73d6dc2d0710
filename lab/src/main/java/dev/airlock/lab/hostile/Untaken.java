package dev.airlock.lab.hostile;

import dev.airlock.vmbus.EventCounts;

/**
 * Packets written into a ring that the other side has not taken yet, oldest first. Each is counted
 * once it is taken. For one thread; allocates nothing after its construction.
 */
final class Untaken {
    private final int[] ends;
    private final boolean[] spoiled;
    private final EventCounts<HostileEvent> counts;

    /** Packets ever added, and ever taken: their difference is under way. */
    private long added;

    private long taken;

    /** Where in the ring the oldest begins. */
    private int start;

    Untaken(int capacity, EventCounts<HostileEvent> counts) {
        ends = new int[capacity];
        spoiled = new boolean[capacity];
        this.counts = counts;
    }

    /** How many are under way. */
    int size() {
        return (int) (added - taken);
    }

    boolean isFull() {
        return size() == ends.length;
    }

    /**
     * One more was written.
     *
     * @param end the write index behind it
     */
    void add(int end, boolean hasFault) {
        int at = (int) (added++ % ends.length);
        ends[at] = end;
        spoiled[at] = hasFault;
    }

    /**
     * Takes and counts what lies before the other side's read index; an index that cannot be is
     * ignored.
     *
     * @return whether anything was taken
     */
    boolean settle(RawRing ring, int readIndex) {
        if (size() == 0 || !ring.isIndex(readIndex)) {
            return false;
        }
        int progress = ring.distance(start, readIndex);
        int newest = ends[(int) ((added - 1) % ends.length)];
        if (progress > ring.distance(start, newest)) {
            return false;
        }
        boolean all = readIndex == newest;
        long before = taken;
        int from = start;
        while (taken < added) {
            int at = (int) (taken % ends.length);
            if (!all && ring.distance(from, ends[at]) > progress) {
                break;
            }
            counts.count(spoiled[at] ? HostileEvent.PACKET : HostileEvent.VALID_PACKET);
            start = ends[at];
            taken++;
        }
        return taken != before;
    }
}
