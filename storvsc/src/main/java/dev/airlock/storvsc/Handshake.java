package dev.airlock.storvsc;

import dev.airlock.memory.HvPage;
import dev.airlock.scsi.VstorChannelProperties;
import dev.airlock.scsi.VstorOperation;
import dev.airlock.scsi.VstorPacket;
import dev.airlock.scsi.VstorVersion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The initialisation of the primary channel, packet by packet as Linux {@code storvsc_channel_init}
 * (and {@code handle_multichannel_storage}) sends it: BEGIN_INITIALIZATION, QUERY_PROTOCOL_VERSION
 * from the newest down, QUERY_PROPERTIES, END_INITIALIZATION, CREATE_SUB_CHANNELS. One request at a
 * time, all with the id {@link TransactionId#INIT}.
 */
final class Handshake {
    /** Newest first. */
    private static final int[] VERSIONS = {VstorVersion.V6_2, VstorVersion.V6_0, VstorVersion.V5_1};

    /** Sends a packet and waits for the answer. */
    interface Exchange {
        /**
         * Sends one packet and waits.
         *
         * @param packet an in-band packet; the vstor part of the answer is written over its own
         * @throws IOException when there is no answer in time
         */
        void exchange(MemorySegment packet) throws IOException;
    }

    private final Exchange exchange;
    private final MemorySegment packet =
            Arena.ofAuto().allocate(SrbPacket.INBAND_BYTES, Long.BYTES);
    private int vstorAt;

    Handshake(Exchange exchange) {
        this.exchange = exchange;
    }

    /** Everything up to END_INITIALIZATION. */
    HostProperties run() throws IOException {
        request(VstorOperation.BEGIN_INITIALIZATION);
        requireSuccess(VstorOperation.BEGIN_INITIALIZATION);
        int version = agreeOnVersion();
        request(VstorOperation.QUERY_PROPERTIES);
        requireSuccess(VstorOperation.QUERY_PROPERTIES);
        long transfer = VstorChannelProperties.maxTransferBytes(packet, vstorAt);
        int flags = VstorChannelProperties.flags(packet, vstorAt);
        int subchannels =
                (flags & VstorChannelProperties.FLAG_SUPPORTS_MULTI_CHANNEL) == 0
                        ? 0
                        : VstorChannelProperties.maxChannelCount(packet, vstorAt);
        if (transfer < HvPage.SIZE) {
            throw new IOException(
                    "host allows no transfer of a page: maxTransferBytes=" + transfer);
        }
        int maxTransferBytes = (int) Math.min(transfer, Integer.MAX_VALUE) & ~(HvPage.SIZE - 1);
        request(VstorOperation.END_INITIALIZATION);
        requireSuccess(VstorOperation.END_INITIALIZATION);
        return new HostProperties(version, maxTransferBytes, subchannels);
    }

    /**
     * Asks for subchannels.
     *
     * @return whether the host is going to offer them
     */
    boolean createSubchannels(int count) throws IOException {
        encode(VstorOperation.CREATE_SUB_CHANNELS);
        VstorPacket.subchannelCount(packet, vstorAt, count);
        exchange.exchange(packet);
        return isSuccess();
    }

    private int agreeOnVersion() throws IOException {
        for (int version : VERSIONS) {
            encode(VstorOperation.QUERY_PROTOCOL_VERSION);
            VstorPacket.version(packet, vstorAt, version);
            exchange.exchange(packet);
            if (VstorPacket.operation(packet, vstorAt) != VstorOperation.COMPLETE_IO) {
                throw refused(VstorOperation.QUERY_PROTOCOL_VERSION);
            }
            if (isSuccess()) {
                return version;
            }
        }
        throw new IOException("host speaks no vstor protocol of 6.2, 6.0, 5.1");
    }

    private void request(int operation) throws IOException {
        encode(operation);
        exchange.exchange(packet);
    }

    private void encode(int operation) {
        vstorAt = SrbPacket.encodeOperation(packet, 0, operation, TransactionId.INIT);
    }

    private void requireSuccess(int operation) throws IOException {
        if (!isSuccess()) {
            throw refused(operation);
        }
    }

    private boolean isSuccess() {
        return VstorPacket.operation(packet, vstorAt) == VstorOperation.COMPLETE_IO
                && VstorPacket.status(packet, vstorAt) == VstorPacket.STATUS_SUCCESS;
    }

    private IOException refused(int operation) {
        return new IOException(
                "host refused %s: answer=%s status=0x%08x"
                        .formatted(
                                VstorOperation.name(operation),
                                VstorOperation.name(VstorPacket.operation(packet, vstorAt)),
                                VstorPacket.status(packet, vstorAt)));
    }
}
