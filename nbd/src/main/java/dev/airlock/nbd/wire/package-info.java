/** Numbers and layouts of the NBD protocol, as in {@code doc/proto.md} of the nbd project. */
package dev.airlock.nbd.wire;
