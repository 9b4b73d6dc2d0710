package dev.airlock.storvsp;

import dev.airlock.scsi.SrbStatus;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorSrb;
import dev.airlock.scsitarget.UnitAttention;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A reset on its way. Its answer is the guest's guarantee that buffers of earlier requests are not
 * touched any more, whatever channel they came on. So first every channel reads its ring up to
 * where it stood when the reset came ({@link StorvspChannel#fence}); then in every logical unit
 * concerned what waits is aborted and what runs is waited for ({@link LunQueue#reset}); then it is
 * answered, by whichever thread of the guest did the last step. No thread waits for another.
 */
final class Reset {
    private final SrbRequest request;
    private final GuestUnits units;
    private final int operation;

    /** The LUN that a RESET_LUN names on path 0 and target 0, else -1. */
    private final int lun;

    private final boolean onFirstPath;
    private final AtomicInteger steps = new AtomicInteger();

    /**
     * @param request the reset itself, answered in the end
     * @param units those of the guest
     * @param operation RESET_LUN, RESET_BUS or RESET_ADAPTER
     */
    Reset(SrbRequest request, GuestUnits units, int operation) {
        this.request = request;
        this.units = units;
        this.operation = operation;
        // Copied now: the channel it came on may be closed, and its memory gone, before the others
        // have passed.
        MemorySegment vstor = request.packet();
        int at = SrbRequest.VSTOR_AT;
        onFirstPath = VstorSrb.path(vstor, at) == 0;
        lun = VstorSrb.target(vstor, at) == 0 ? VstorSrb.lun(vstor, at) : -1;
    }

    /** What the units report afterwards. */
    UnitAttention attention() {
        return operation == VstorOperation.RESET_LUN
                ? UnitAttention.DEVICE_RESET
                : UnitAttention.BUS_RESET;
    }

    /**
     * Starts it.
     *
     * @param others every channel of the device but the one the reset came on
     */
    void begin(List<StorvspChannel> others) {
        // One step more than there are channels, taken last, so that it cannot end in the loop.
        steps.set(others.size() + 1);
        for (StorvspChannel other : others) {
            other.fence(this);
        }
        channelPassed();
    }

    /** A channel has read everything its ring held when the reset came, or was closed. */
    void channelPassed() {
        if (steps.decrementAndGet() == 0) {
            // Looked up only now: what was read last may be in a unit that has just come.
            List<LunQueue> concerned = concerned();
            int aborted =
                    operation == VstorOperation.RESET_LUN ? SrbStatus.ABORTED : SrbStatus.BUS_RESET;
            steps.set(concerned.size() + 1);
            for (LunQueue lun : concerned) {
                lun.reset(this, aborted);
            }
            lunSettled();
        }
    }

    /** A logical unit has nothing earlier running any more. */
    void lunSettled() {
        if (steps.decrementAndGet() == 0) {
            StorvspChannel channel = request.channel();
            channel.signalIf(channel.completions().completeOperation(request));
        }
    }

    /** Queues to settle, those being detached included: what runs there may use the buffers. */
    private List<LunQueue> concerned() {
        if (operation == VstorOperation.RESET_ADAPTER) {
            return units.queues();
        }
        if (!onFirstPath) {
            return List.of();
        }
        List<LunQueue> queues = units.queues();
        if (operation == VstorOperation.RESET_LUN) {
            queues.removeIf(queue -> queue.lun() != lun);
        }
        return queues;
    }
}
