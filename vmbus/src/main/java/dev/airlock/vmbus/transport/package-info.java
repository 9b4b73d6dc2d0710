/**
 * How the two processes carry VMBus to each other: control messages, memory regions and doorbells
 * as frames on a Unix socket. Never data.
 */
package dev.airlock.vmbus.transport;
