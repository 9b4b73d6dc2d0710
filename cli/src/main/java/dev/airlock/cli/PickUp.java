package dev.airlock.cli;

import dev.airlock.lab.bench.Yardsticks;
import dev.airlock.linux.EventFd;
import dev.airlock.linux.Kvm;
import dev.airlock.memory.HostMemory;
import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.storvsp.StorvspDevice;
import dev.airlock.storvsp.StorvspOptions;
import dev.airlock.vmbus.loopback.Loopback;
import dev.airlock.vmm.SignalGuest;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * How long a guest's signal takes to the host: a {@link SignalGuest} on KVM, and as its host a
 * channel of the storage provider with its ring thread, the code that serves every guest. The
 * thread is one of this process; another process's wakes up in the same way. Immutable.
 *
 * @param asleep with the host's thread asleep, in poll(2)
 * @param awake while it looks for more work
 * @param eventFdRoundTripNanos median of two threads that wake each other by eventfds
 */
record PickUp(SignalGuest.Samples asleep, SignalGuest.Samples awake, double eventFdRoundTripNanos) {
    /** Longer than the host looks for work, even where a processor is emulated. */
    private static final long SLEEP_PAUSE_NS = 3_000_000;

    private static final int ASLEEP_SAMPLES = 1_000;
    private static final int ASLEEP_WARM_UP = 200;

    /** Far shorter than the host looks for work. */
    private static final long AWAKE_PAUSE_NS = 1_000;

    private static final int AWAKE_SAMPLES = SignalGuest.SAMPLES_MAX;
    private static final int AWAKE_WARM_UP = 50_000;
    private static final long LIMIT_NS = 8_000_000_000L;
    private static final long YARDSTICK_NS = 1_000_000_000;

    /** Measures; half a minute at most. */
    static PickUp measure(Kvm kvm) throws IOException, InterruptedException {
        StorvspDevice device =
                new StorvspDevice(
                        "signals", StorvspOptions.defaults(), new Units(), System.err::println);
        try (SignalGuest guest = SignalGuest.create(kvm);
                HostMemory nothing = new HostMemory(HostMemoryLimits.DEFAULT);
                Loopback channel =
                        new Loopback(
                                device.offer().numbered(1, 1, 1),
                                guest.rings(),
                                SignalGuest.RING_BYTES,
                                nothing,
                                true)) {
            EventFd doorbell = Objects.requireNonNull(channel.host().kick());
            device.opened(channel.host());
            try {
                guest.start(doorbell);
                SignalGuest.Samples asleep =
                        guest.measure(SLEEP_PAUSE_NS, ASLEEP_WARM_UP, ASLEEP_SAMPLES, LIMIT_NS);
                SignalGuest.Samples awake =
                        guest.measure(AWAKE_PAUSE_NS, AWAKE_WARM_UP, AWAKE_SAMPLES, LIMIT_NS);
                return new PickUp(asleep, awake, Yardsticks.eventFdRoundTripNanos(YARDSTICK_NS));
            } finally {
                channel.host().end();
                device.closed(channel.host());
            }
        }
    }

    /** No disks: what the guest sends is answered by its ring thread at once. */
    private static final class Units implements StorvspDevice.Owner {
        @Override
        public void connected(StorvspDevice device) {}

        @Override
        public void disconnected(StorvspDevice device) {}
    }

    /** A table, and the yardstick. */
    String render() {
        TextTable table =
                new TextTable(
                        "from signal to pick-up", "median us", "p99 us", "samples", "signalled");
        row(table, "the host sleeps", asleep);
        row(table, "the host looks", awake);
        return table.render()
                + "A round trip of two threads by eventfds: %.2f us.%n"
                        .formatted(eventFdRoundTripNanos / 1e3);
    }

    private static void row(TextTable table, String name, SignalGuest.Samples samples) {
        table.row(
                name,
                "%.2f".formatted(percentile(samples, 50) / 1e3),
                "%.2f".formatted(percentile(samples, 99) / 1e3),
                Integer.toString(samples.nanos().length),
                Long.toString(samples.signals()));
    }

    /** For {@code --json}. */
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("asleep", fields(asleep));
        fields.put("awake", fields(awake));
        fields.put("eventFdRoundTripNs", eventFdRoundTripNanos);
        return fields;
    }

    private static Map<String, Object> fields(SignalGuest.Samples samples) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("medianNs", percentile(samples, 50));
        fields.put("p99Ns", percentile(samples, 99));
        fields.put("samples", samples.nanos().length);
        fields.put("signalled", samples.signals());
        return fields;
    }

    /** NaN where there are no samples. */
    static double percentile(SignalGuest.Samples samples, int percent) {
        long[] sorted = samples.nanos();
        return sorted.length == 0
                ? Double.NaN
                : sorted[(int) ((sorted.length - 1L) * percent / 100)];
    }
}
