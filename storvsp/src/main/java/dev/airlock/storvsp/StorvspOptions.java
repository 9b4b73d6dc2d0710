package dev.airlock.storvsp;

/**
 * Limits and timing of a {@link StorvspDevice}. Immutable.
 *
 * @param queueDepth requests of one channel that the host works on at once; more wait in the ring.
 *     Their contexts, about 20 KiB each, are allocated when the channel opens
 * @param workersPerLun threads that one guest may keep busy with one LUN whose disk may block
 * @param subchannels most subchannels beside the primary channel; 0 for none
 * @param maxTransferBytes largest data length of one SRB, advertised and enforced; whole pages
 * @param spinNs the most a channel's thread looks for more work before it sleeps
 * @param ringThreads whether each channel has a thread that serves its ring; if not, the caller
 *     calls {@link StorvspDevice#poll}
 */
public record StorvspOptions(
        int queueDepth,
        int workersPerLun,
        int subchannels,
        int maxTransferBytes,
        long spinNs,
        boolean ringThreads) {
    /** Largest transfer Linux asks of a host that allows it: what the recorded one advertised. */
    public static final int DEFAULT_MAX_TRANSFER_BYTES = 2 << 20;

    /**
     * Checks every range.
     *
     * @throws IllegalArgumentException naming the value that is out of range
     */
    public StorvspOptions {
        require("queueDepth", queueDepth, 1, 4096);
        require("workersPerLun", workersPerLun, 1, 64);
        require("subchannels", subchannels, 0, 255);
        require("maxTransferBytes", maxTransferBytes, 4096, 8 << 20);
        require("spinNs", spinNs, 0, 1_000_000);
        if (maxTransferBytes % 4096 != 0) {
            throw new IllegalArgumentException(
                    "maxTransferBytes=" + maxTransferBytes + " is not whole pages");
        }
    }

    /** What the host uses unless told otherwise. */
    public static StorvspOptions defaults() {
        return new StorvspOptions(128, 8, 15, DEFAULT_MAX_TRANSFER_BYTES, 50_000, true);
    }

    /** The same with another queue depth. */
    public StorvspOptions withQueueDepth(int depth) {
        return new StorvspOptions(
                depth, workersPerLun, subchannels, maxTransferBytes, spinNs, ringThreads);
    }

    /** The same with another cap of threads for one LUN of one guest. */
    public StorvspOptions withWorkersPerLun(int workers) {
        return new StorvspOptions(
                queueDepth, workers, subchannels, maxTransferBytes, spinNs, ringThreads);
    }

    /** The same with another number of subchannels. */
    public StorvspOptions withSubchannels(int count) {
        return new StorvspOptions(
                queueDepth, workersPerLun, count, maxTransferBytes, spinNs, ringThreads);
    }

    /** The same with another largest transfer. */
    public StorvspOptions withMaxTransferBytes(int bytes) {
        return new StorvspOptions(
                queueDepth, workersPerLun, subchannels, bytes, spinNs, ringThreads);
    }

    /** The same with another time to spin. */
    public StorvspOptions withSpinNs(long ns) {
        return new StorvspOptions(
                queueDepth, workersPerLun, subchannels, maxTransferBytes, ns, ringThreads);
    }

    /** The same without ring threads: the caller drives both ends on one thread. */
    public StorvspOptions withoutRingThreads() {
        return new StorvspOptions(
                queueDepth, workersPerLun, subchannels, maxTransferBytes, spinNs, false);
    }

    private static void require(String name, long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    name + "=" + value + " is not within [" + least + ", " + most + "]");
        }
    }
}
