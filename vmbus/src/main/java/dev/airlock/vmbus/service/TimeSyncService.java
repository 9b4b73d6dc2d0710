package dev.airlock.vmbus.service;

import dev.airlock.vmbus.Guid;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.time.InstantSource;

/**
 * Sets the guest's clock once, when it opens the service: the clock it booted with counts whole
 * seconds. Thread-safe.
 */
final class TimeSyncService extends ServiceDevice {
    /** Linux {@code HV_TS_GUID}. */
    static final Guid TYPE = Guid.parse("9527e630-d0ae-497b-adce-e80ab0175caf");

    /** {@code struct ictimesync_data}: host's time, guest's, round trip (u64 each), flags u8. */
    private static final int DATA_BYTES = 25;

    private static final int FLAGS_OFFSET = ServiceMessage.DATA_OFFSET + 24;

    /** {@code ICTIMESYNCFLAG_SYNC}. */
    private static final byte SYNC = 1;

    /** 100 ns from 1601 to 1970, Linux {@code WLTIMEDELTA}. */
    private static final long EPOCH = 116_444_736_000_000_000L;

    private final InstantSource clock;

    TimeSyncService(String guest, Guid instance, InstantSource clock) {
        super(guest + "-timesync", TYPE, instance);
        this.clock = clock;
    }

    @Override
    long due(Sender sender, boolean first) {
        if (first) {
            sender.send(ServiceMessage.TIME_SYNC, DATA_BYTES, this::fill);
        }
        return NOTHING_DUE;
    }

    private void fill(MemorySegment packet) {
        Instant now = clock.instant();
        long time = EPOCH + now.getEpochSecond() * 10_000_000 + now.getNano() / 100;
        packet.set(ServiceMessage.U64, ServiceMessage.DATA_OFFSET, time);
        packet.set(ValueLayout.JAVA_BYTE, FLAGS_OFFSET, SYNC);
    }

    @Override
    void answered(int type, int status) {
        // Linux answers before it has set the clock; there is nothing to learn.
    }
}
