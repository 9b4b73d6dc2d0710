package dev.airlock.nbd;

import dev.airlock.storvsc.LunFacts;

/**
 * What a handshake agreed on.
 *
 * @param transport the stream, perhaps encrypted meanwhile
 * @param session the guest, retained
 * @param disk which of its disks, as it was then
 * @param name the disk's canonical name
 * @param structured whether reads are answered by structured replies
 * @param extended whether all headers are extended ones
 * @param withStatus whether block status may be asked for
 */
record Agreement(
        Transport transport,
        GuestSession session,
        LunFacts disk,
        String name,
        boolean structured,
        boolean extended,
        boolean withStatus) {}
