package dev.airlock.lab.hostile;

import dev.airlock.storvsp.server.GuestStatus;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/**
 * What a storage host counted of all its guests, those that have gone included, as it last knew
 * them. Thread-safe.
 */
final class HostTally {
    /** What is added up. */
    enum Item {
        CONTROL_FAULTS(GuestStatus::controlFaults),
        INVALID_PACKETS(status -> status.statistics().invalidPackets()),
        INVISIBLE_PAGES(status -> status.statistics().invisiblePages()),
        TOO_LARGE(status -> status.statistics().tooLarge()),
        BROKEN_RINGS(status -> status.statistics().brokenRings()),
        COMMANDS(status -> status.statistics().io().commands()),
        RESETS(status -> status.statistics().resets());

        private final ToLongFunction<GuestStatus> counter;

        Item(ToLongFunction<GuestStatus> counter) {
            this.counter = counter;
        }
    }

    private static final Item[] ITEMS = Item.values();

    private final String exceptGuest;
    private final long[] ofGone = new long[ITEMS.length];
    private final Map<String, GuestStatus> last = new HashMap<>();

    /**
     * @param exceptGuest name of a guest that is left out
     */
    HostTally(String exceptGuest) {
        this.exceptGuest = exceptGuest;
    }

    /** Takes what the host knows now; to be called before a guest that matters goes. */
    synchronized void note(List<GuestStatus> guests) {
        Set<String> here = guests.stream().map(GuestStatus::name).collect(Collectors.toSet());
        last.values()
                .removeIf(status -> {
                    boolean gone = !here.contains(status.name());
                    if (gone) {
                        add(status);
                    }
                    return gone;
                });
        for (GuestStatus status : guests) {
            if (!status.name().equals(exceptGuest)) {
                last.put(status.name(), status);
            }
        }
    }

    synchronized long get(Item item) {
        return ofGone[item.ordinal()]
                + last.values().stream().mapToLong(item.counter::applyAsLong).sum();
    }

    /** Every item with its sum. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Item item : ITEMS) {
            text.append(item).append('=').append(get(item)).append(' ');
        }
        return text.toString().trim();
    }

    private void add(GuestStatus status) {
        for (Item item : ITEMS) {
            ofGone[item.ordinal()] += item.counter.applyAsLong(status);
        }
    }
}
