/**
 * The host's storage provider: what a guest's storvsc talks to. {@link
 * dev.airlock.storvsp.StorvspDevice} is the device on one guest's bus; each of its channels checks
 * packets, finds the guest's memory, runs SCSI commands and completes them.
 */
package dev.airlock.storvsp;
