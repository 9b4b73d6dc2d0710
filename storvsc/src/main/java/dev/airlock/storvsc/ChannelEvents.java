package dev.airlock.storvsc;

import java.lang.foreign.MemorySegment;

/** What a channel tells its adapter. Called by whoever polls the channel; must not block. */
interface ChannelEvents {
    /**
     * An answer to a packet of the initialisation or to a reset.
     *
     * @param packet the channel's private copy, valid during the call
     * @param at where the vstor packet begins; whole
     */
    void operationAnswered(long transactionId, MemorySegment packet, long at);

    /** The host sent this {@link dev.airlock.scsi.VstorOperation} of its own accord. */
    void unsolicited(int operation);

    /** The channel's rings are unusable; it must be closed. */
    void channelFailed(StorvscChannel channel, String reason);
}
