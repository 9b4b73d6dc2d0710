/**
 * The host's end of Hyper-V's integration services: shutdown, heartbeat, time synchronisation.
 * Linux has them in {@code hv_utils}.
 */
package dev.airlock.vmbus.service;
