package dev.airlock.storvsp.server;

import dev.airlock.storvsp.LunStatistics;
import java.util.List;

/**
 * A disk of a host, as reported.
 *
 * @param lun its number, the same for every guest
 * @param name unique within the host
 * @param spec what the user wrote
 * @param sizeBytes its size
 * @param sectorBytes logical sector size
 * @param readOnly whether nobody may write
 * @param shared whether several guests may have it although it is writable
 * @param guests names of those that have it now
 * @param io what all guests did with it since it was added
 */
public record DiskStatus(
        int lun,
        String name,
        String spec,
        long sizeBytes,
        int sectorBytes,
        boolean readOnly,
        boolean shared,
        List<String> guests,
        LunStatistics io) {
    public DiskStatus {
        guests = List.copyOf(guests);
    }
}
