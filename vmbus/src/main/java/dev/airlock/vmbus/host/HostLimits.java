package dev.airlock.vmbus.host;

import dev.airlock.memory.HostMemoryLimits;
import dev.airlock.vmbus.Offer;

/**
 * How much the host gives to guests. Every refusal names the component that was reached.
 *
 * @param guestsMax guests one server serves at a time (enforced by the server)
 * @param channelsMax channels offered to one guest, sub-channels included
 * @param gpadlsMax GPADLs of one guest, unfinished ones included
 * @param gpadlPagesMax pages of all GPADLs of one guest together
 * @param memory what one guest may hand over and have mapped
 */
public record HostLimits(
        int guestsMax, int channelsMax, int gpadlsMax, int gpadlPagesMax, HostMemoryLimits memory) {

    /** 16 guests; each 128 channels, 1024 GPADLs of 128 Ki pages together. */
    public static final HostLimits DEFAULT =
            new HostLimits(16, 128, 1024, 128 << 10, HostMemoryLimits.DEFAULT);

    public HostLimits {
        requireInRange("guestsMax", guestsMax, 1 << 16);
        requireInRange("channelsMax", channelsMax, Offer.MAX_RELID);
        requireInRange("gpadlsMax", gpadlsMax, 1 << 20);
        requireInRange("gpadlPagesMax", gpadlPagesMax, 1 << 28);
    }

    private static void requireInRange(String name, int value, int max) {
        if (value < 1 || value > max) {
            throw new IllegalArgumentException(
                    "limit not in [1, %d]: %s=%d".formatted(max, name, value));
        }
    }
}
