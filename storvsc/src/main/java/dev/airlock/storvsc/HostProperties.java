package dev.airlock.storvsc;

/**
 * What the host answered to the initialisation.
 *
 * @param version the vstor protocol agreed on, a {@link dev.airlock.scsi.VstorVersion}
 * @param maxTransferBytes largest data of one SRB, whole pages, at least one
 * @param maxSubchannels how many subchannels the host offers beside the primary one
 */
record HostProperties(int version, int maxTransferBytes, int maxSubchannels) {}
