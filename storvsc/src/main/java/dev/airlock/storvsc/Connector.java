package dev.airlock.storvsc;

import dev.airlock.dma.DmaMapper;
import dev.airlock.memory.HvPage;
import dev.airlock.vmbus.guest.ChannelOpenException;
import dev.airlock.vmbus.guest.GuestChannel;
import java.io.IOException;

/**
 * Brings an adapter up: opens the primary channel, goes through the initialisation, opens the
 * subchannels that the host then offers. Single-threaded; done when {@link #connect} returns.
 */
final class Connector {
    private final DeviceChannels device;
    private final DmaMapper mapper;
    private final StorvscOptions options;
    private final ChannelSet channels;
    private final RingMemory rings;
    private final ChannelEvents events;
    private final CoarseClock clock;

    Connector(
            DeviceChannels device,
            DmaMapper mapper,
            StorvscOptions options,
            ChannelSet channels,
            RingMemory rings,
            ChannelEvents events,
            CoarseClock clock) {
        this.device = device;
        this.mapper = mapper;
        this.options = options;
        this.channels = channels;
        this.rings = rings;
        this.events = events;
        this.clock = clock;
    }

    /** Opens the primary channel. */
    StorvscChannel openPrimary() throws IOException {
        return openChannel(0);
    }

    /**
     * Initialises the device and opens the subchannels.
     *
     * @param exchange over the primary channel
     * @return what the host answered, with the largest transfer that host, ring and mapping allow
     */
    HostProperties connect(PrimaryExchange exchange) throws IOException {
        Handshake handshake = new Handshake(exchange);
        HostProperties answered = handshake.run();
        int wanted = Math.min(options.subchannels(), answered.maxSubchannels());
        if (wanted > 0 && handshake.createSubchannels(wanted)) {
            int offered = device.awaitSubchannels(wanted, options.handshakeTimeoutMs());
            for (int index = 1; index <= offered; index++) {
                openSubchannel(index);
            }
        }
        int maxTransferBytes =
                Math.min(
                        Math.min(
                                answered.maxTransferBytes(), channels.primary().maxTransferBytes()),
                        mapper.maxMappingBytes() & -HvPage.SIZE);
        return new HostProperties(answered.version(), maxTransferBytes, answered.maxSubchannels());
    }

    /** As in Linux, a subchannel that cannot be opened is done without. */
    private void openSubchannel(int index) {
        try {
            openChannel(index);
        } catch (IOException refused) {
            channels.countRefused();
        }
    }

    private StorvscChannel openChannel(int index) throws IOException {
        GuestChannel link = openLink(index);
        int maxPages = ChannelShape.maxPages(link.out());
        ChannelShape shape = options.shape(maxPages);
        IoMapping mapping = options.mapping().create(mapper, shape.tags(), maxPages);
        StorvscChannel channel = new StorvscChannel(link, index, mapping, events, clock, shape);
        channels.add(channel);
        return channel;
    }

    private GuestChannel openLink(int index) throws IOException {
        int ringBytes = options.ringBytes();
        long ringGpa = rings.allocate();
        try {
            return device.open(index, ringGpa, ringBytes, ringBytes);
        } catch (ChannelOpenException refused) {
            if (!refused.isMemoryReleased()) {
                rings.abandon(ringGpa);
            }
            throw refused;
        }
    }
}
