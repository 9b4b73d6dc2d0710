/**
 * Peers that mean harm: a guest against a real storage host, a host against the real storvsc. Every
 * choice follows from a seed. What they send begins as valid traffic, so that deep states are
 * reached, and is then spoiled: control messages, regions, doorbells, GPADLs, ring indices, packet
 * descriptors, ids, lengths, PFNs, vstor packets, CDBs, sense.
 *
 * <p>An <em>event</em> is one spoiled message, packet or index that the other side has taken in.
 */
package dev.airlock.lab.hostile;
