package dev.airlock.vmbus.guest;

import dev.airlock.vmbus.Offer;
import org.jspecify.annotations.Nullable;

/**
 * Learns what the host does of its own accord. Called on the bus's thread: return soon, and do not
 * call what waits for the host ({@link GuestBus#open}, {@link GuestChannel#closeChannel}, ...) from
 * here.
 */
public interface GuestBusListener {
    /** A listener that does nothing. */
    GuestBusListener NONE = new GuestBusListener() {};

    /** A channel is offered: a device's primary one, or a sub-channel. */
    default void offered(Offer offer) {}

    /**
     * A channel was taken back.
     *
     * @param channel the channel if it is open: its owner must {@link GuestChannel#close} it, after
     *     which the host may reuse the relid; null if it was not open
     */
    default void rescinded(Offer offer, @Nullable GuestChannel channel) {}

    /**
     * The connection has ended: the host died, closed it, or the bus was closed. Every channel
     * reports closed already. Called once.
     *
     * @param reason one line
     */
    default void lost(String reason) {}
}
