package dev.airlock.vmbus.host;

import dev.airlock.vmbus.Offer;

/**
 * A device as the bus of one guest sees it. One instance serves one guest.
 *
 * <p>The bus calls from its own thread, one call at a time; a call that blocks stalls this guest's
 * control messages and nobody else. The methods must not throw for anything a guest did; when they
 * throw the channel is closed.
 */
public interface HostDevice {
    /**
     * What to offer: the device's type and instance. Called once, when the device joins the bus.
     */
    Offer offer();

    /**
     * The guest opened a channel of this device: the primary one or a sub-channel ({@link
     * HostChannel#subchannelIndex}). The device starts to serve the rings, usually on a thread of
     * its own.
     *
     * @param channel valid until {@link #closed} returns
     */
    void opened(HostChannel channel);

    /**
     * The channel ends: closed by the guest, rescinded, or the guest has gone. {@link
     * HostChannel#isOpen} is already false and {@link HostChannel#awaitGuest} returns at once.
     *
     * <p>Returns only when no thread of the device touches the channel's rings, or guest memory on
     * the channel's behalf, any more: the bus unmaps the rings next. Called once for each {@link
     * #opened} that returned normally; sub-channels before their primary channel.
     */
    void closed(HostChannel channel);
}
