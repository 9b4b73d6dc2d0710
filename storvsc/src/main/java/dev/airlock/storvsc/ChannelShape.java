package dev.airlock.storvsc;

import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.RingWriter;

/**
 * What all channels of an adapter have in common; made from {@link StorvscOptions} and what the
 * host answered.
 *
 * @param port {@code vmscsi_request.port_number}: the adapter's number in this guest
 * @param tags commands that one channel can have with the host
 * @param callerTags whether requests bring their own tags
 * @param maxPages most 4 KiB pages that one command's data touches
 * @param timeoutNanos what a command is given by default
 * @param tickNanos how coarse the clock is
 */
record ChannelShape(
        int port, int tags, boolean callerTags, int maxPages, long timeoutNanos, long tickNanos) {
    /** Largest data of one command, whatever the host allows: a limit on what each tag holds. */
    private static final int MAX_TRANSFER_BYTES = 2 << 20;

    /** Most pages of one command's data that a packet in this ring can name. */
    static int maxPages(RingWriter out) {
        int fitting = (out.maxPacketBytes() - SrbPacket.bytes(1)) / Long.BYTES + 1;
        return Math.min(fitting, (MAX_TRANSFER_BYTES >> HvPage.SHIFT) + 1);
    }
}
