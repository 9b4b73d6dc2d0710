package dev.airlock.vmm;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Why processors came back to user space, and how often. Thread-safe. */
public final class ExitCounts {
    private final Map<String, LongAdder> counts = new ConcurrentHashMap<>();

    /** The counter of one reason, to be kept by who counts often. */
    LongAdder of(String reason) {
        return counts.computeIfAbsent(reason, unused -> new LongAdder());
    }

    /** All of them now, by name. */
    public Map<String, Long> snapshot() {
        Map<String, Long> now = new TreeMap<>();
        counts.forEach((reason, count) -> now.put(reason, count.sum()));
        return now;
    }
}
