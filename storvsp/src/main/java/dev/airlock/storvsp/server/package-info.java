/**
 * The host process: sockets, guests, the table of disks, and the control protocol that changes it
 * while guests run. {@link dev.airlock.storvsp.server.StorageHost} ties them together.
 */
package dev.airlock.storvsp.server;
