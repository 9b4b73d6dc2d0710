/**
 * A block device on one disk behind the adapter: reads, writes, flushes, trims, splits what is too
 * large for one command, tries again what was busy. Start at {@link
 * dev.airlock.storvsc.block.BlockDevice}.
 */
package dev.airlock.storvsc.block;
