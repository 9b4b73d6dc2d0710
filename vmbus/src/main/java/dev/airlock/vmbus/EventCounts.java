package dev.airlock.vmbus;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How often each of a set of events happened. Thread-safe.
 *
 * @param <E> the events
 */
public final class EventCounts<E extends Enum<E>> {
    private final Class<E> events;
    private final AtomicLongArray counts;

    public EventCounts(Class<E> events) {
        this.events = events;
        this.counts = new AtomicLongArray(events.getEnumConstants().length);
    }

    /**
     * Counts one.
     *
     * @return the count, this one included
     */
    public long count(E event) {
        return counts.incrementAndGet(event.ordinal());
    }

    /** How often it happened. */
    public long get(E event) {
        return counts.get(event.ordinal());
    }

    /** The events that happened, with their counts. */
    public Map<E, Long> snapshot() {
        Map<E, Long> map = new EnumMap<>(events);
        for (E event : events.getEnumConstants()) {
            if (get(event) != 0) {
                map.put(event, get(event));
            }
        }
        return map;
    }

    @Override
    public String toString() {
        return snapshot().toString();
    }
}
