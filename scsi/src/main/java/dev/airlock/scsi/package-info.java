/**
 * Formats only: CDBs, sense data, VPD and mode pages, parameter data, and the vstor protocol that
 * carries them over VMBus. Nothing here does I/O, keeps state or depends on another module.
 *
 * <p>Every accessor takes a {@link java.lang.foreign.MemorySegment} and the byte offset of the
 * structure in it. vstor fields are little-endian, SCSI fields big-endian, and none has to be
 * aligned. The segment must be a private copy: a field read twice from shared memory may have
 * changed in between. An access outside the segment throws {@link IndexOutOfBoundsException}; check
 * the structure's size first.
 */
package dev.airlock.scsi;
