package dev.airlock.dma;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What several threads did with one small pool of at most 64 slots, and whether some order of these
 * calls, each at one moment between its beginning and its end, explains all results
 * (linearizability, decided by trying the orders: Wing and Gong 1993, with a memory of what was
 * tried).
 */
final class SlotHistory {
    /**
     * A call that has ended.
     *
     * @param claim true to take slots, false to give them back
     * @param wanted how many slots
     * @param slot the first one taken or given back; {@link SlotPool#NONE} when none was found
     * @param begin, end moments of one clock
     */
    record Call(boolean claim, int wanted, int slot, int begin, int end) {
        private long mask() {
            return (-1L >>> Long.SIZE - wanted) << slot;
        }
    }

    /** A set of calls that have taken effect, and the slots that are taken then. */
    private record State(long done, long taken) {}

    private final List<Call> calls = new ArrayList<>();
    private final Set<State> triedInVain = new HashSet<>();
    private final int slots;
    private final int segmentSlots;
    private final boolean mayMissWhenOverlapped;

    /**
     * @param mayMissWhenOverlapped whether a claim may find nothing, although there was something
     *     all the time, when another call overlaps it: areas are searched one after another
     */
    SlotHistory(int slots, int segmentSlots, boolean mayMissWhenOverlapped) {
        this.slots = slots;
        this.segmentSlots = segmentSlots;
        this.mayMissWhenOverlapped = mayMissWhenOverlapped;
    }

    void add(Call call) {
        calls.add(call);
    }

    /** Whether there is such an order. */
    boolean isLinearizable() {
        triedInVain.clear();
        return explains(0, 0);
    }

    private boolean explains(long done, long taken) {
        if (Long.bitCount(done) == calls.size()) {
            return true;
        }
        State state = new State(done, taken);
        if (triedInVain.contains(state)) {
            return false;
        }
        int firstEnd = Integer.MAX_VALUE;
        for (int i = 0; i < calls.size(); i++) {
            if ((done >>> i & 1) == 0) {
                firstEnd = Math.min(firstEnd, calls.get(i).end);
            }
        }
        for (int i = 0; i < calls.size(); i++) {
            Call call = calls.get(i);
            boolean canBeNext = (done >>> i & 1) == 0 && call.begin < firstEnd;
            if (canBeNext && isRight(call, taken)) {
                long after =
                        call.slot == SlotPool.NONE
                                ? taken
                                : call.claim ? taken | call.mask() : taken & ~call.mask();
                if (explains(done | 1L << i, after)) {
                    return true;
                }
            }
        }
        triedInVain.add(state);
        return false;
    }

    private boolean isRight(Call call, long taken) {
        if (!call.claim) {
            return (taken & call.mask()) == call.mask();
        }
        if (call.slot == SlotPool.NONE) {
            return !hasRun(call.wanted, taken) || mayMissWhenOverlapped && isOverlapped(call);
        }
        boolean inOneSegment =
                call.slot / segmentSlots == (call.slot + call.wanted - 1) / segmentSlots;
        return inOneSegment && (taken & call.mask()) == 0;
    }

    private boolean hasRun(int wanted, long taken) {
        for (int slot = 0; slot + wanted <= slots; slot++) {
            Call run = new Call(true, wanted, slot, 0, 0);
            if (slot / segmentSlots == (slot + wanted - 1) / segmentSlots
                    && (taken & run.mask()) == 0) {
                return true;
            }
        }
        return false;
    }

    private boolean isOverlapped(Call call) {
        return calls.stream()
                .anyMatch(other ->
                        !other.equals(call) && other.begin < call.end && call.begin < other.end);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        calls.stream()
                .sorted((a, b) -> Integer.compare(a.begin, b.begin))
                .forEach(call -> text.append(call).append('\n'));
        return text.toString();
    }
}
