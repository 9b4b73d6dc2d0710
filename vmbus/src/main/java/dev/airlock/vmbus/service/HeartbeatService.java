package dev.airlock.vmbus.service;

import dev.airlock.vmbus.Guid;
import java.util.function.LongSupplier;

/** Asks the guest every other second whether it is alive. Thread-safe. */
final class HeartbeatService extends ServiceDevice {
    /** Linux {@code HV_HEART_BEAT_GUID}. */
    static final Guid TYPE = Guid.parse("57164f39-9115-4e78-ab55-382f3bd5422d");

    /** {@code struct heartbeat_msg_data}: sequence number u64, eight reserved u32. */
    private static final int DATA_BYTES = 40;

    /** Hyper-V's own pace. */
    static final long INTERVAL_MS = 2_000;

    /** Five unanswered ones: a busy emulated machine is late, not dead. */
    static final long LOST_MS = 10_000;

    private final LongSupplier millis;

    /** Both of the channel's thread. */
    private long sequence;

    private long next;
    private long answeredAt;
    private boolean answered;

    /**
     * @param millis a clock that only goes forward
     */
    HeartbeatService(String guest, Guid instance, LongSupplier millis) {
        super(guest + "-heartbeat", TYPE, instance);
        this.millis = millis;
    }

    synchronized Heartbeat state() {
        if (!isReady() || !answered) {
            return Heartbeat.NONE;
        }
        return millis.getAsLong() - answeredAt < LOST_MS ? Heartbeat.OK : Heartbeat.LOST;
    }

    @Override
    long due(Sender sender, boolean first) {
        long now = millis.getAsLong();
        if (first) {
            forget();
        }
        if (first || now >= next) {
            next = now + INTERVAL_MS;
            // Without the monitor: a hostile guest can make it block.
            sender.send(
                    ServiceMessage.HEARTBEAT,
                    DATA_BYTES,
                    packet ->
                            packet.set(ServiceMessage.U64, ServiceMessage.DATA_OFFSET, ++sequence));
        }
        return next - now;
    }

    private synchronized void forget() {
        answered = false;
    }

    @Override
    synchronized void answered(int type, int status) {
        if (type == ServiceMessage.HEARTBEAT && status == 0) {
            answered = true;
            answeredAt = millis.getAsLong();
        }
    }
}
