package dev.airlock.lab.mapping;

import dev.airlock.memory.HvPage;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads PRP entries as an NVMe controller does, knowing only the command's length, and refuses what
 * the specification forbids. Independent of how {@link PrpEntries} builds them. Stateless.
 */
final class PrpController {
    private PrpController() {}

    /** Some bytes that the controller would read or write. */
    record Range(long address, int bytes) {}

    /**
     * The memory that a command names, in the order of its data.
     *
     * @throws IllegalArgumentException when a rule is broken: "PRP Offset Invalid", an entry too
     *     few or too many
     */
    static List<Range> read(PrpEntries command, int bytes) {
        require((command.prp1() & 3) == 0, "PRP1 is not a multiple of 4", command.prp1());
        List<Range> ranges = new ArrayList<>();
        int first = (int) Math.min(HvPage.SIZE - (command.prp1() & HvPage.MASK), bytes);
        ranges.add(new Range(command.prp1(), first));
        int left = bytes - first;
        if (left == 0) {
            require(command.prp2() == 0, "PRP2 of a command that has no second page", 0);
            return ranges;
        }
        if (left <= HvPage.SIZE) {
            require(command.lists().isEmpty(), "a list for two pages", command.prp2());
            page(ranges, command.prp2(), left);
            return ranges;
        }
        long address = command.prp2();
        while (left > 0) {
            require((address & 7) == 0, "a list that is not a multiple of 8", address);
            long number = (address - command.listAddress()) >>> HvPage.SHIFT;
            require(number < command.lists().size(), "a list that is not there", address);
            long[] list = command.lists().get((int) number);
            int pagesLeft = Math.ceilDiv(left, HvPage.SIZE);
            boolean chained = pagesLeft > PrpEntries.PER_PAGE;
            int own = chained ? PrpEntries.PER_PAGE - 1 : pagesLeft;
            require(list.length >= own, "a list that is too short", address);
            for (int i = 0; i < own; i++) {
                int part = Math.min(left, HvPage.SIZE);
                page(ranges, list[i], part);
                left -= part;
            }
            address = chained ? list[own] : 0;
        }
        return ranges;
    }

    private static void page(List<Range> ranges, long address, int bytes) {
        require((address & HvPage.MASK) == 0, "PRP Offset Invalid", address);
        ranges.add(new Range(address, bytes));
    }

    private static void require(boolean holds, String rule, long address) {
        if (!holds) {
            throw new IllegalArgumentException(rule + ": 0x" + Long.toHexString(address));
        }
    }
}
