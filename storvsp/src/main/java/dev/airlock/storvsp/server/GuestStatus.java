package dev.airlock.storvsp.server;

import dev.airlock.storvsp.GuestStatistics;
import dev.airlock.vmbus.service.Heartbeat;

/**
 * A connected guest, as reported.
 *
 * @param name what log lines call it
 * @param pid its process
 * @param uid its user
 * @param protocolVersion vstor version agreed on, major in the high byte; 0 before that
 * @param visiblePages pages of its memory that the host can see
 * @param controlFaults control messages that were malformed, out of order or refused
 * @param heartbeat whether it is alive, where that service is offered
 * @param statistics what it did with its disks
 */
public record GuestStatus(
        String name,
        int pid,
        int uid,
        int protocolVersion,
        long visiblePages,
        long controlFaults,
        Heartbeat heartbeat,
        GuestStatistics statistics) {}
