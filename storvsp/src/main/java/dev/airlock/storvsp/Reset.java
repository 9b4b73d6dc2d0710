package dev.airlock.storvsp;

import dev.airlock.scsitarget.UnitAttention;
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
    private final List<LunQueue> luns;
    private final int abortedStatus;
    private final UnitAttention attention;
    private final AtomicInteger steps = new AtomicInteger();

    /**
     * @param request the reset itself, answered in the end
     * @param luns units to reset
     * @param abortedStatus SRB status for requests that had not started
     * @param attention what the units report afterwards
     */
    Reset(SrbRequest request, List<LunQueue> luns, int abortedStatus, UnitAttention attention) {
        this.request = request;
        this.luns = luns;
        this.abortedStatus = abortedStatus;
        this.attention = attention;
    }

    UnitAttention attention() {
        return attention;
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
            steps.set(luns.size() + 1);
            for (LunQueue lun : luns) {
                lun.reset(this, abortedStatus);
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
}
