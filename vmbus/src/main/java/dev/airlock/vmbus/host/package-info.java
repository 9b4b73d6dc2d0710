/**
 * The host's end of VMBus: one {@link dev.airlock.vmbus.host.HostBus} per guest, and what a device
 * implements to be offered on it. Trusts no guest.
 */
package dev.airlock.vmbus.host;
