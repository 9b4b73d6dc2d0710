/**
 * The guest's end of VMBus: {@link dev.airlock.vmbus.guest.GuestBus} connects to a host, learns its
 * offers and opens channels. Trusts nothing the host sends.
 */
package dev.airlock.vmbus.guest;
