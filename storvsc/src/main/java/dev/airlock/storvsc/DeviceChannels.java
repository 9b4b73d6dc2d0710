package dev.airlock.storvsc;

import dev.airlock.vmbus.guest.GuestChannel;
import java.io.IOException;

/**
 * Where an adapter's channels come from: the bus, for a device that a host offers ({@link
 * BusDevice}), or rings in this process, for tests and benchmarks.
 */
public interface DeviceChannels {
    /**
     * Opens a channel of the device.
     *
     * @param index 0 for the primary channel; 1 and up for subchannels, which must have been
     *     offered
     * @param ringGpa zeroed memory that the host can see, of both sizes together; the ring to the
     *     host comes first
     * @param outBytes ring to the host, control page included
     * @param inBytes ring from the host, control page included
     * @throws IOException when the host refuses, or does not answer in time
     */
    GuestChannel open(int index, long ringGpa, int outBytes, int inBytes) throws IOException;

    /**
     * Waits until subchannels are offered.
     *
     * @return how many there are: {@code count}, or fewer after the time-out
     */
    int awaitSubchannels(int count, long timeoutMs);
}
