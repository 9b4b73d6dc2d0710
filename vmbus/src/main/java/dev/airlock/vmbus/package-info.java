/**
 * VMBus, as both ends see it: the bytes of control messages and ring packets, the two ends of a
 * ring, GPADLs, and the framing between processes. The ends themselves are in {@code guest} and
 * {@code host}.
 */
package dev.airlock.vmbus;
