package dev.airlock.cli;

import dev.airlock.vmm.Machine;
import dev.airlock.vmm.bus.VmbusForwarder;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a guest has cost its VMM, up to a moment or between two. Immutable.
 *
 * @param returns of KVM_RUN to user space, by reason
 * @param hypercalls that came to user space, by name; signals that KVM turns into an eventfd itself
 *     are not among them
 * @param interrupts that the host's doorbells became
 * @param messages control messages of VMBus, both directions
 */
record GuestCounts(
        Map<String, Long> returns, Map<String, Long> hypercalls, long interrupts, long messages) {
    static final GuestCounts NONE = new GuestCounts(Map.of(), Map.of(), 0, 0);

    /** Up to now; any thread may ask. */
    static GuestCounts of(Machine machine) {
        VmbusForwarder bus = machine.bus();
        return new GuestCounts(
                machine.exits().snapshot(),
                BootReport.hypercalls(machine),
                bus == null ? 0 : bus.interrupts(),
                bus == null ? 0 : bus.messages());
    }

    /** What came after an earlier moment. */
    GuestCounts since(GuestCounts earlier) {
        return new GuestCounts(
                difference(returns, earlier.returns),
                difference(hypercalls, earlier.hypercalls),
                interrupts - earlier.interrupts,
                messages - earlier.messages);
    }

    /** Returns for whatever reason. */
    long allReturns() {
        return sum(returns);
    }

    /** Hypercalls, whatever they ask. */
    long allHypercalls() {
        return sum(hypercalls);
    }

    private static long sum(Map<String, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    private static Map<String, Long> difference(Map<String, Long> now, Map<String, Long> before) {
        Map<String, Long> result = new LinkedHashMap<>();
        now.forEach((name, count) -> result.put(name, count - before.getOrDefault(name, 0L)));
        return result;
    }
}
