package dev.airlock.vmbus.guest;

import dev.airlock.vmbus.Offer;

/**
 * How a guest deals with its host.
 *
 * @param answerTimeoutMs how long to wait for the host's answer to a control message
 * @param offersMax channels the host may have on offer at a time; more are dropped
 */
public record GuestBusOptions(long answerTimeoutMs, int offersMax) {
    /** 10 s, 256 channels. */
    public static final GuestBusOptions DEFAULT = new GuestBusOptions(10_000, 256);

    public GuestBusOptions {
        if (answerTimeoutMs < 1) {
            throw new IllegalArgumentException("answerTimeoutMs=" + answerTimeoutMs);
        }
        if (offersMax < 1 || offersMax > Offer.MAX_RELID) {
            throw new IllegalArgumentException("offersMax=" + offersMax);
        }
    }
}
