package dev.airlock.disk;

/**
 * What a {@link BackingFile} is like.
 *
 * @param blockDevice whether it is a block device, whose size is given
 * @param memorySpeed whether its file system is memory, so that no call waits for a device
 * @param direct whether it bypasses the page cache, which makes rules of the alignments below
 * @param memoryAlignmentBytes what addresses of transferred memory must be multiples of, a power of
 *     two
 * @param offsetAlignmentBytes what offsets and lengths must be multiples of, a power of two
 * @param blockBytes what it writes and frees without reading first, a power of two
 * @param punchesHoles whether {@link BackingFile#punchHole} works
 */
record FileTraits(
        boolean blockDevice,
        boolean memorySpeed,
        boolean direct,
        int memoryAlignmentBytes,
        int offsetAlignmentBytes,
        int blockBytes,
        boolean punchesHoles) {}
