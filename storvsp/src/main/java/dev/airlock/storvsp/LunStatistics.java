package dev.airlock.storvsp;

/**
 * What was done with a logical unit or a disk.
 *
 * @param commands SCSI commands that ended
 * @param failed those of them whose SRB status is not success
 * @param bytesRead data that went to guests
 * @param bytesWritten data that came from guests
 */
public record LunStatistics(long commands, long failed, long bytesRead, long bytesWritten) {
    /** Nothing yet. */
    public static final LunStatistics NONE = new LunStatistics(0, 0, 0, 0);

    /** Both together. */
    public LunStatistics plus(LunStatistics other) {
        return new LunStatistics(
                commands + other.commands,
                failed + other.failed,
                bytesRead + other.bytesRead,
                bytesWritten + other.bytesWritten);
    }
}
