package dev.airlock.storvsc;

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
        int port, int tags, boolean callerTags, int maxPages, long timeoutNanos, long tickNanos) {}
