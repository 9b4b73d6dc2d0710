/**
 * The NBD server. {@link dev.airlock.nbd.NbdServer} accepts clients; each has a thread of its own
 * that negotiates ({@code Handshake}) and then serves requests ({@code RequestLoop}) on a channel
 * and in memory of its own.
 */
package dev.airlock.nbd;
