package dev.airlock.storvsp;

import java.util.List;

/**
 * What one guest did with its storage device since it connected.
 *
 * @param io SCSI commands and their data, those for absent units included
 * @param channels channels open now, the primary one included
 * @param invalidPackets packets that contradict themselves or came out of order
 * @param invisiblePages SRBs refused because they name a page that the host does not see
 * @param tooLarge SRBs refused because they are beyond the largest transfer
 * @param brokenRings rings given up because their indices or headers cannot be right
 * @param queueFull times that a channel had its queue depth of requests under way and more waited
 * @param resets LUN, bus and adapter resets
 * @param srbs all SRBs on channels open now or before, by operation code and size
 */
public record GuestStatistics(
        LunStatistics io,
        int channels,
        long invalidPackets,
        long invisiblePages,
        long tooLarge,
        long brokenRings,
        long queueFull,
        long resets,
        List<SrbCount> srbs) {}
