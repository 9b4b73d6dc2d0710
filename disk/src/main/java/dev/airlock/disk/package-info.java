/**
 * The disk interface and its kinds: raw file or block device, memory, null, and a throw-away
 * overlay.
 *
 * <p>A {@link Disk} moves whole sectors between a store and memory that the caller owns, and knows
 * nothing of SCSI, guests or processes. {@link DiskSpec} turns what a user wrote on a command line
 * into an open disk.
 */
package dev.airlock.disk;
