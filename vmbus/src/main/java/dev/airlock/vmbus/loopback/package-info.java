/**
 * Both ends of a channel in one process, without sockets: for tests and single-threaded benchmarks.
 */
package dev.airlock.vmbus.loopback;
