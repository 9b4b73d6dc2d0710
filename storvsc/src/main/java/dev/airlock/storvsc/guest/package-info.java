/**
 * A whole guest in user space: its memory, DMA API, bus, adapter and block devices, attached to a
 * storage host by the path of the host's socket.
 */
@NullMarked
package dev.airlock.storvsc.guest;

import org.jspecify.annotations.NullMarked;
