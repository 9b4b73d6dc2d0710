/**
 * The guest driver of the synthetic SCSI controller: SCSI commands in, ring packets out, and back.
 *
 * <p>Start at {@link dev.airlock.storvsc.StorvscAdapter}, which opens the channels and owns
 * everything else. A command's way is {@link dev.airlock.storvsc.StorvscChannel} (claim a tag,
 * build, map, write), {@code InboundPackets} (what came back), {@code CommandEnd} (unmap, results,
 * completion); what happens when no answer comes is {@code Recovery}. {@link
 * dev.airlock.storvsc.IoMapping} is the seam to the DMA API.
 *
 * <p>Facts about the protocol come from Linux {@code drivers/scsi/storvsc_drv.c} and from
 * recordings of that driver; the packets are held against the recordings byte by byte.
 */
package dev.airlock.storvsc;
