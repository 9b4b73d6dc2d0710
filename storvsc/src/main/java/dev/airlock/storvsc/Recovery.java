package dev.airlock.storvsc;

import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorSrb;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What happens to commands that the host does not answer: they time out, their LUN is reset, then
 * the bus, then the channels are closed. The vstor protocol has no abort of a single command.
 *
 * <p>A step succeeds when the host answers it with success within the reset time-out; then the host
 * is done with every command to that address that was sent before, and what was kept for those is
 * freed. A refusal or silence leads to the next step.
 *
 * <p>Never waits: {@link #tick} looks at the time and takes the next step. One thread at a time
 * calls it; answers may come from any thread.
 */
final class Recovery {
    private enum Step {
        IDLE,
        LUN_RESET,
        BUS_RESET,
        CLOSED
    }

    private enum Answer {
        NONE,
        SUCCEEDED,
        REFUSED
    }

    /** Path, target and LUN count. */
    private static final int LUN_MASK = 0xFF_FFFF;

    /** The path counts. */
    private static final int BUS_MASK = 0xFF_0000;

    private final ChannelSet channels;
    private final long resetTimeoutNanos;
    private final MemorySegment packet =
            Arena.ofAuto().allocate(SrbPacket.INBAND_BYTES, Long.BYTES);
    private final LongAdder lunResets = new LongAdder();
    private final LongAdder busResets = new LongAdder();

    private Step step = Step.IDLE;
    private int address;
    private int sequence;
    private boolean sent;
    private long deadlineNanos;

    private volatile long pendingId;
    private volatile Answer answer = Answer.NONE;

    Recovery(ChannelSet channels, long resetTimeoutNanos) {
        this.channels = channels;
        this.resetTimeoutNanos = resetTimeoutNanos;
    }

    /**
     * Times out commands and moves the recovery on.
     *
     * @return why the channels must be closed now, null while they need not
     */
    @Nullable String tick(long nowNanos) {
        for (StorvscChannel channel : channels.all()) {
            channel.commandEnd().expire(nowNanos);
        }
        return switch (step) {
            case IDLE -> begin(nowNanos);
            case LUN_RESET, BUS_RESET -> proceed(nowNanos);
            case CLOSED -> null;
        };
    }

    /** The host answered a reset. Ignored unless it is the one that is waited for. */
    void resetAnswered(long transactionId, int ntStatus) {
        if (transactionId == pendingId) {
            answer = ntStatus == VstorPacket.STATUS_SUCCESS ? Answer.SUCCEEDED : Answer.REFUSED;
        }
    }

    long lunResets() {
        return lunResets.sum();
    }

    long busResets() {
        return busResets.sum();
    }

    private @Nullable String begin(long nowNanos) {
        for (StorvscChannel channel : channels.all()) {
            int expired = channel.commandEnd().expiredAddress();
            if (expired >= 0) {
                address = expired;
                reset(Step.LUN_RESET, nowNanos);
                return null;
            }
        }
        return null;
    }

    private @Nullable String proceed(long nowNanos) {
        Answer answered = answer;
        if (answered == Answer.SUCCEEDED) {
            for (StorvscChannel channel : channels.all()) {
                channel.commandEnd().releaseExpired(address, mask(), sequence);
            }
            step = Step.IDLE;
            return begin(nowNanos);
        }
        if (answered == Answer.NONE && deadlineNanos - nowNanos > 0) {
            send();
            return null;
        }
        if (step == Step.LUN_RESET) {
            reset(Step.BUS_RESET, nowNanos);
            return null;
        }
        step = Step.CLOSED;
        return "host answered neither a command nor the resets: " + addressText();
    }

    private void reset(Step next, long nowNanos) {
        step = next;
        deadlineNanos = nowNanos + resetTimeoutNanos;
        sequence++;
        sent = false;
        answer = Answer.NONE;
        pendingId = TransactionId.ofReset(sequence);
        // Commands that enter a ring from here on are not covered by this reset.
        for (StorvscChannel channel : channels.all()) {
            channel.beginReset(sequence);
        }
        (next == Step.LUN_RESET ? lunResets : busResets).increment();
        send();
    }

    /** Writes the reset, if the ring had no room for it yet. */
    private void send() {
        if (!sent) {
            int operation =
                    step == Step.LUN_RESET ? VstorOperation.RESET_LUN : VstorOperation.RESET_BUS;
            int at = SrbPacket.encodeOperation(packet, 0, operation, pendingId);
            VstorSrb.path(packet, at, address >>> 16);
            if (step == Step.LUN_RESET) {
                VstorSrb.target(packet, at, address >>> 8 & 0xFF);
                VstorSrb.lun(packet, at, address & 0xFF);
            }
            sent = channels.primary().sendInband(packet);
        }
    }

    private int mask() {
        return step == Step.LUN_RESET ? LUN_MASK : BUS_MASK;
    }

    private String addressText() {
        return "path=%d target=%d lun=%d"
                .formatted(address >>> 16, address >>> 8 & 0xFF, address & 0xFF);
    }
}
