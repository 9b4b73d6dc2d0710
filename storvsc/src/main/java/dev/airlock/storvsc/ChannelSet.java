package dev.airlock.storvsc;

import dev.airlock.linux.Cpu;
import java.util.Arrays;

/**
 * The channels of an adapter: the primary one, then subchannels as they open. A command goes to the
 * channel of the CPU it is submitted on, as in Linux {@code get_og_chn}: CPUs are dealt to channels
 * in turn. Any thread reads; one at a time adds.
 */
final class ChannelSet {
    private volatile StorvscChannel[] channels = {};
    private volatile int refused;

    void add(StorvscChannel channel) {
        StorvscChannel[] longer = Arrays.copyOf(channels, channels.length + 1);
        longer[channels.length] = channel;
        channels = longer;
    }

    /** A subchannel could not be opened. */
    void countRefused() {
        refused = refused() + 1;
    }

    /** Subchannels that could not be opened. */
    int refused() {
        return refused;
    }

    /** All channels, the primary one first; not to be changed. */
    StorvscChannel[] all() {
        return channels;
    }

    StorvscChannel primary() {
        return channels[0];
    }

    /**
     * Submits to the channel of the CPU this thread runs on, and when that is busy to the others in
     * turn.
     *
     * @param publish false leaves it to {@link #publish} to show the command to the host
     */
    SubmitResult submit(ScsiRequest request, boolean publish) {
        StorvscChannel[] now = channels;
        if (now.length == 1) {
            return now[0].queue(request, publish);
        }
        int home = Cpu.current() % now.length;
        SubmitResult result = now[home].queue(request, publish);
        for (int i = 1; result == SubmitResult.BUSY && i < now.length; i++) {
            result = now[(home + i) % now.length].queue(request, publish);
        }
        return result;
    }

    void publish() {
        for (StorvscChannel channel : channels) {
            channel.publish();
        }
    }

    /**
     * Closes every channel. Callers whose memory the host cannot reach are told at once; then the
     * channels are closed on the bus, subchannels first; then everybody is told.
     *
     * @return true when the host has confirmed that it uses nothing of these channels any more
     */
    boolean close() {
        StorvscChannel[] all = channels;
        for (StorvscChannel channel : all) {
            channel.stop();
        }
        if (!isHostLost()) {
            for (StorvscChannel channel : all) {
                channel.commandEnd().abandon();
            }
        }
        boolean confirmed = true;
        for (int i = all.length - 1; i >= 0; i--) {
            confirmed &= all[i].close();
        }
        if (confirmed || isHostLost()) {
            releaseAll();
        } else {
            for (StorvscChannel channel : all) {
                channel.commandEnd().releaseHeld();
            }
        }
        return confirmed;
    }

    /** Commands that hold a tag, on all channels. */
    int inFlight() {
        int commands = 0;
        for (StorvscChannel channel : channels) {
            commands += channel.inFlight();
        }
        return commands;
    }

    /** Whether the connection to the host has ended. */
    boolean isHostLost() {
        for (StorvscChannel channel : channels) {
            if (channel.isHostLost()) {
                return true;
            }
        }
        return false;
    }

    /** Frees all that is still kept; the host is done with it. */
    void releaseAll() {
        for (StorvscChannel channel : channels) {
            channel.commandEnd().releaseAll();
        }
    }
}
