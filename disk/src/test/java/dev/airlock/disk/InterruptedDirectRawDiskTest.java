package dev.airlock.disk;

/**
 * The same with the page cache bypassed, which ends transfers at the unit only and takes none that
 * is not aligned.
 */
class InterruptedDirectRawDiskTest extends InterruptedRawDiskTest {
    @Override
    FileTraits traits() {
        return ArrayFile.direct(sectorBytes);
    }
}
