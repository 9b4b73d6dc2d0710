package dev.airlock.nbd;

/**
 * What a server's clients have done since it started; numbers of one moment as far as threads that
 * go on allow.
 *
 * @param connectionsAccepted clients that were let in
 * @param connectionsRefused clients beyond the limit
 * @param connections clients now
 * @param underWay requests taken that have not ended
 * @param reads READ requests ended
 * @param writes WRITE requests ended
 * @param flushes FLUSH requests ended
 * @param trims TRIM and WRITE_ZEROES requests ended
 * @param others BLOCK_STATUS, CACHE and unknown requests ended
 * @param bytesRead by requests without an error
 * @param bytesWritten by requests without an error
 * @param errors requests answered with an error
 * @param latencies how long requests took
 */
public record NbdStatistics(
        long connectionsAccepted,
        long connectionsRefused,
        int connections,
        long underWay,
        long reads,
        long writes,
        long flushes,
        long trims,
        long others,
        long bytesRead,
        long bytesWritten,
        long errors,
        LatencyCounts latencies) {
    /** All requests ended. */
    public long requests() {
        return reads + writes + flushes + trims + others;
    }
}
